"""Backward passes in the manner of courses: comments, a function around them, grads[...], torch's names."""

import numpy as np
import pytest

import pullback as pb

rng = np.random.default_rng(0)


def net(X, W1, b1, W2, b2, y):
    z1 = X @ W1 + b1
    hidden = pb.relu(z1)
    scores = hidden @ W2 + b2
    probs = pb.softmax(scores)
    loss = -pb.mean(pb.log(pb.pick(probs, y)))
    return loss + 0.5 * (pb.sum(W1 * W1) + pb.sum(W2 * W2))


NET = {"X": rng.normal(size=(5, 4)), "W1": rng.normal(size=(4, 6)), "b1": rng.normal(size=6),
       "W2": rng.normal(size=(6, 3)), "b2": rng.normal(size=3), "y": np.array([0, 1, 2, 2, 0])}  # fmt: skip
METHOD = """
    # Backward pass.
    grads = {}
    ########################################
    # TODO: the gradient of each weight    #
    ########################################
    N, D = X.shape
    reg = 0.5
    dscores = probs.copy()
    dscores[range(N), list(y)] -= 1
    dscores /= N
    grads['W2'] = hidden.T.dot(dscores) + 2 * reg * W2
    grads['b2'] = np.sum(dscores, axis = 0)

    dh = dscores.dot(W2.T)
    dh_relu = (hidden > 0) * dh
    grads['W1'] = X.T.dot(dh_relu) + 2 * reg * W1
    grads['b1'] = np.sum(dh_relu, axis = 0)
    return loss, grads
"""
NOTES = """
num_examples = X.shape[0]
reg = 1.0
# the scores
dscores = probs
dscores[range(num_examples),y] -= 1
dscores /= num_examples

# W2 and b2
dW2 = np.dot(hidden.T, dscores)
db2 = np.sum(dscores, axis=0, keepdims=False)
# the hidden layer, then its ReLU
dhidden = np.dot(dscores, W2.T)
dhidden[hidden <= 0] = 0
# W1 and b1
dW1 = np.dot(X.T, dhidden)
db1 = np.sum(dhidden, axis=0)
# weight decay
dW2 += reg * W2
dW1 += reg * W1
"""


def batchnorm(x, gamma, beta, dout):
    mu = pb.mean(x, axis=0)
    xmu = x - mu
    sq = xmu**2
    var = pb.mean(sq, axis=0)
    sqrtvar = pb.sqrt(var + 1e-5)
    ivar = 1 / sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    out = gammax + beta
    return pb.sum(out * dout)


BATCH = {"x": rng.normal(size=(4, 3)), "gamma": np.array([1.0, 0.5, 2.0]), "beta": np.zeros(3),
         "dout": rng.normal(size=(4, 3))}  # fmt: skip
STEPS = """
def batchnorm_backward(dout, cache):

  # what the forward pass kept
  xhat,gamma,xmu,ivar,sqrtvar,var = cache
  eps = 1e-5

  # sizes
  N,D = dout.shape

  #step9
  dbeta = np.sum(dout, axis=0)
  dgammax = dout

  #step8
  dgamma = np.sum(dgammax*xhat, axis=0)
  dxhat = dgammax * gamma

  #step7
  divar = np.sum(dxhat*xmu, axis=0)
  dxmu1 = dxhat * ivar

  #step6
  dsqrtvar = -1. /(sqrtvar**2) * divar

  #step5
  dvar = 0.5 * 1. /np.sqrt(var+eps) * dsqrtvar

  #step4
  dsq = 1. /N * np.ones((N,D)) * dvar

  #step3
  dxmu2 = 2 * xmu * dsq

  #step2
  dx1 = (dxmu1 + dxmu2)
  dmu = -1 * np.sum(dxmu1+dxmu2, axis=0)

  #step1
  dx2 = 1. /N * np.ones((N,D)) * dmu

  #step0
  dx = dx1 + dx2

  return dx, dgamma, dbeta
"""
SHORT = """
    N = dout.shape[0]
    mean = x.mean(axis=0)
    std = np.sqrt(x.var(axis=0) + 1e-5)
    x_hat = (x - mean) / std
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(x_hat * dout, axis=0)
    dx = (gamma / (N * std)) * (N * dout - dbeta - x_hat * dgamma)
"""


def affine(x, w, b, dout):
    out = pb.reshape(x, shape=(4, 6)) @ w + b
    return pb.sum(out * dout)


FLAT = {"x": rng.normal(size=(4, 2, 3)), "w": rng.normal(size=(6, 5)), "b": np.zeros(5),
        "dout": rng.normal(size=(4, 5))}  # fmt: skip
AFFINE = """
def affine_backward(dout, cache):
    x, w, b = cache
    dx, dw, db = None, None, None
    N = x.shape[0]
    x_vec = np.reshape(x, (N, -1))
    dx = np.reshape(dout.dot(w.T), x.shape)
    dw = x_vec.T.dot(dout)
    db = np.dot(dout.T, np.ones(N))
    return dx, dw, db
"""


def lecture(emb, W1, bngain, bnbias, W2, b2, Yb):
    hprebn = emb @ W1
    bnmeani = 1 / 4 * pb.sum(hprebn, axis=0, keepdims=True)
    bndiff = hprebn - bnmeani
    bndiff2 = bndiff**2
    bnvar = 1 / 3 * pb.sum(bndiff2, axis=0, keepdims=True)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    hpreact = bngain * bnraw + bnbias
    h = pb.tanh(hpreact)
    logits = h @ W2 + b2
    logit_maxes = pb.max(logits, axis=1, keepdims=True)
    norm_logits = logits - logit_maxes
    counts = pb.exp(norm_logits)
    counts_sum = pb.sum(counts, axis=1, keepdims=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = pb.log(probs)
    return -pb.mean(pb.pick(logprobs, Yb))


LECTURE = {"emb": rng.normal(size=(4, 3)), "W1": rng.normal(size=(3, 5)), "bngain": np.ones((1, 5)),
           "bnbias": np.zeros((1, 5)), "W2": rng.normal(size=(5, 6)), "b2": np.zeros(6),
           "Yb": np.array([0, 3, 5, 3])}  # fmt: skip
EVERY_STEP = """
n = 4
dlogprobs = torch.zeros_like(logprobs)
dlogprobs[range(n), Yb] = -1.0/n
dprobs = (1.0 / probs) * dlogprobs
dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
dcounts = counts_sum_inv * dprobs
dcounts_sum = (-counts_sum**-2) * dcounts_sum_inv
dcounts += torch.ones_like(counts) * dcounts_sum
dnorm_logits = counts * dcounts
dlogits = dnorm_logits.clone()
dlogit_maxes = (-dnorm_logits).sum(1, keepdim=True)
dlogits += F.one_hot(logits.max(1).indices, num_classes=logits.shape[1]) * dlogit_maxes
dh = dlogits @ W2.T
dW2 = h.T @ dlogits
db2 = dlogits.sum(0)
dhpreact = (1.0 - h**2) * dh
dbngain = (bnraw * dhpreact).sum(0, keepdim=True)
dbnraw = bngain * dhpreact
dbnbias = dhpreact.sum(0, keepdim=True)
dbndiff = bnvar_inv * dbnraw
dbnvar_inv = (bndiff * dbnraw).sum(0, keepdim=True)
dbnvar = (-0.5*(bnvar + 1e-5)**-1.5) * dbnvar_inv
dbndiff2 = (1.0/(n-1))*torch.ones_like(bndiff2) * dbnvar
dbndiff += (2*bndiff) * dbndiff2
dhprebn = dbndiff.clone()
dbnmeani = (-dbndiff).sum(0)
dhprebn += 1.0/n * (torch.ones_like(hprebn) * dbnmeani)
demb = dhprebn @ W1.T
dW1 = emb.T @ dhprebn
"""
AT_ONCE = """
n = logits.shape[0]
dlogits = F.softmax(logits, 1)
dlogits[range(n), Yb] -= 1
dlogits /= n
dW2 = h.T @ dlogits
db2 = dlogits.sum(0)
"""
NEURON = "p = x1*w1; q = x2*w2; r = p + q; n = r + b; o = tanh(n)"
VALUES = {"x1": 2.0, "x2": 0.1, "w1": -3.0, "w2": 1.0, "b": 6.88}
GRADS = """
o.grad = 1.0
n.grad = 1 - o.data**2
r.grad = n.grad
b.grad = n.grad
p.grad = r.grad
q.grad = r.grad
x2.grad = w2.data * q.grad
w2.grad = x2.data * q.grad
x1.grad = w1.data * p.grad
w1.grad = x1.data * p.grad
"""


def svm(X, W, y):
    scores = X @ W
    correct = pb.pick(scores, y)
    margins = pb.relu(scores - pb.reshape(correct, shape=(5, 1)) + 1.0)
    return (pb.sum(margins) - 5.0) / 5.0 + 0.1 * pb.sum(W * W)


ROWS = {"X": NET["X"], "W": rng.normal(size=(4, 3)), "y": NET["y"]}
MARGINS = """
num_train = X.shape[0]
reg = 0.1
margin = np.maximum(0, scores - scores[np.arange(num_train), y].reshape(-1, 1) + 1)
margin[np.arange(num_train), y] = 0
mask = np.zeros(margin.shape)
mask[margin > 0] = 1
incorrect_counts = np.sum(mask, axis=1)
mask[np.arange(num_train), y] = -incorrect_counts
dW = X.T.dot(mask)
dW /= num_train
dW += 2 * reg * W
"""
WORKS = {
    "a method with grads": (net, "W1 b1 W2 b2", NET, METHOD),
    "lecture notes, in place": (net, "W1 b1 W2 b2", NET, NOTES),
    "batch normalisation in nine steps": (batchnorm, "x gamma beta", BATCH, STEPS),
    "batch normalisation in one": (batchnorm, "x gamma beta", BATCH, SHORT),
    "affine layer": (affine, "x w b", FLAT, AFFINE),
    "every step of a lecture, in torch": (lecture, "", LECTURE, EVERY_STEP),
    "cross-entropy at once, in torch": (lecture, "W2 b2", LECTURE, AT_ONCE),
    "single numbers": (NEURON, "", VALUES, GRADS),
    "margins": (svm, "W", ROWS, MARGINS),
}


@pytest.mark.parametrize("name", WORKS)
def test_a_backward_pass_of_a_course_is_right(name):
    function, parameters, values, work = WORKS[name]
    grade = pb.mark(pb.circuit(function, parameters=parameters), work, values)
    assert [m for m in grade.marks if m.verdict != "right"] == []
    assert grade.passed


@pytest.mark.parametrize("name", WORKS)
def test_with_its_last_sign_turned_it_is_wrong(name):
    function, parameters, values, work = WORKS[name]
    turned = (
        work.rstrip()
        .replace("    return loss, grads", "")
        .replace("  return dx, dgamma, dbeta", "")
    )
    turned = turned.replace("    return dx, dw, db", "").rstrip()
    head, last = turned.rsplit("\n", 1)
    target, sign, value = last.partition(" = ") if " = " in last else last.partition(" += ")
    grade = pb.mark(
        pb.circuit(function, parameters=parameters), f"{head}\n{target}{sign}-({value})", values
    )
    assert not grade.passed
    assert "sign" in str(grade)

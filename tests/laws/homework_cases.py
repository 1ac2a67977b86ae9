"""Backward passes as people hand them in: right ones in many spellings, and slips planted into them.

The derivatives are those of textbooks and courses, written by hand. Whether a planted slip changes
anything is found out by running the text with NumPy itself.
"""
# ruff: noqa: E501 - works stand as they are handed in

import ast
import itertools
import random
import re
from dataclasses import dataclass, field

import numpy as np

import pullback as pb


def hinge(X, w, y):
    s = X @ w
    m = 1 - y * s
    h = pb.relu(m)
    return pb.mean(h)


def squared(X, w, b, t):
    e = X @ w + b - t
    return pb.mean(e * e)


def logistic(X, w, t):
    s = X @ w
    p = pb.sigmoid(s)
    return -pb.mean(t * pb.log(p) + (1 - t) * pb.log(1 - p))


@dataclass
class Case:
    """A circuit, its values, and right works in several spellings. numpy: those that NumPy can run."""

    circuit: object
    values: dict
    numpy: list[str]
    ours: list[str] = field(default_factory=list)
    forward: str = ""  # NumPy lines for the wires that works speak of


rng = np.random.default_rng(3)
X, W1, b1 = rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
W2, b2, y = rng.normal(size=(4, 3)), rng.normal(size=3), np.array([0, 2, 1, 1, 0])
S, Y, signs = rng.normal(size=(5, 3)), np.eye(3)[[0, 2, 1, 1, 0]], np.array([1.0, -1, 1, 1, -1])
SOFTMAX = "p = np.exp(s - s.max(axis=1, keepdims=True))\np = p / p.sum(axis=1, keepdims=True)\n"

CASES = {
    "product": Case(
        "q = x * y; f = q * z", {"x": 1.5, "y": -2.0, "z": 3.0},
        ["dq = z\ndz = q\ndx = y * dq\ndy = x * dq", "df = 1.0\ndq = z * df\ndz = q * df\ndx = dq * y\ndy = dq * x",
         "f.grad = 1.0\nq.grad = z.data * f.grad\nz.grad = q.data * f.grad\n"
         "x.grad = y.data * q.grad\ny.grad = x.data * q.grad"],
        ["dq = z; dz = x*y; dx = y*z; dy = x*z"], "q = x * y",
    ),
    "fan-out": Case(
        "a = x * y; b = a * x; f = a + b * y", {"x": 1.3, "y": 0.7},
        ["db = y\nda = 1 + x * db\ndx = a * db\ndx += y * da\ndy = b\ndy += x * da",
         "db = y\nda = 1.0\nda += x * db\ndx = a * db + y * da\ndy = b + x * da"],
        ["db = y; da = 1 + x*y; dx = y*da + a*db; dy = x*da + b"], "a = x * y\nb = a * x",
    ),
    "polynomial": Case(
        "f = x*x*x - 4*x*y + y*y", {"x": 1.3, "y": 0.4},
        ["dx = 3 * x**2 - 4 * y\ndy = -4 * x + 2 * y"], ["dx = 3*x*x - 4*y; dy = 2*y - 4*x"],
    ),
    "neuron": Case(
        "s = w0*x0 + w1*x1 + b; f = sigmoid(s)", {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "b": -3.0},
        ["ds = (1 - f) * f\ndx0 = w0 * ds\ndx1 = w1 * ds\ndw0 = x0 * ds\ndw1 = x1 * ds\ndb = ds",
         "ds = f - f**2\ndx0, dx1 = w0 * ds, w1 * ds\ndw0, dw1 = x0 * ds, x1 * ds\ndb = 1.0 * ds"],
        ["ds = f*(1-f); dx0 = w0*ds; dx1 = w1*ds; dw0 = x0*ds; dw1 = x1*ds; db = ds"],
        "s = w0*x0 + w1*x1 + b\nf = 1 / (1 + np.exp(-s))",
    ),
    "quotient": Case(
        "n = x * x + y; d = y * y + 1; f = n / d", {"x": 1.3, "y": 0.4},
        ["dn = 1 / d\ndd = -n / d**2\ndx = 2 * x * dn\ndy = dn + 2 * y * dd",
         "dn = 1 / d\ndd = -n / (d * d)\ndx = 2 * x * dn\ndy = 1.0 * dn\ndy += 2 * y * dd"],
        ["dn = 1/d; dd = -n/(d*d); dx = 2*x*dn; dy = dn + 2*y*dd"], "n = x * x + y\nd = y * y + 1",
    ),
    "softmax, one-hot": Case(
        "p = softmax(s); L = -sum(Y*log(p))", {"s": S, "Y": Y},
        ["ds = p - Y\ndY = -np.log(p)", "ds = p.copy()\nds -= Y\ndY = -1.0 * np.log(p)",
         "dp = -Y / p\nds = p * (dp - np.sum(dp * p, axis=1, keepdims=True))\ndY = -np.log(p)"],
        ["ds = p - Y; dY = -log(p)", "dp = -Y/p; ds = p*(dp - sum(dp*p, axis=1, keepdims=True)); dY = -log(p)"],
        SOFTMAX,
    ),
    "softmax, labels by index": Case(
        "s = X @ W; p = softmax(s); L = -mean(log(pick(p, y)))", {"X": X, "W": W1[:, :3], "y": y},
        ["n = X.shape[0]\nds = p.copy()\nds[np.arange(n), y] -= 1\nds /= n\ndW = X.T @ ds\ndX = ds @ W.T",
         "N, D = X.shape\nds = p.copy()\nds[range(N), y] -= 1\nds = ds / N\ndW = np.dot(X.T, ds)\n"
         "dX = np.dot(ds, W.T)",
         "n = y.shape[0]\nds = (p - np.eye(3)[y]) / n\ndW = X.T.dot(ds)\ndX = ds.dot(W.T)",
         "def backward(X, W, y, p):\n    '''The gradient.'''\n    grads = {}\n    N = len(y)\n    dp = np.zeros_like(p)\n"
         "    dp[np.arange(N), y] = -1 / (N * p[np.arange(N), y])\n"
         "    ds = p * (dp - (dp * p).sum(1, keepdims=True))\n"
         "    grads['W'] = X.T @ ds\n    grads['X'] = ds @ W.T\n    return grads"],
        [], "s = X @ W\n" + SOFTMAX,
    ),
    "hinge": Case(
        hinge, {"X": X, "w": W1[:, 0], "y": signs},
        ["n = len(y)\ndh = np.ones(n) / n\ndm = dh * (m > 0)\nds = -y * dm\ndw = X.T @ ds\ndX = np.outer(ds, w)\n"
         "dy = -s * dm",
         "n = X.shape[0]\ndm = np.where(m > 0, 1.0 / n, 0)\nds = -dm * y\ndw = np.dot(ds, X)\n"
         "dX = ds[:, None] * w\ndy = -dm * s",
         "n = X.shape[0]\ndm = (y * s < 1) / n\nds = dm * (-y)\ndw = (X * ds.reshape(-1, 1)).sum(axis=0)\n"
         "dX = ds.reshape(n, 1) @ w.reshape(1, -1)\ndy = -(dm * s)"],
        [], "s = X @ w\nm = 1 - y * s",
    ),
    "multiclass hinge": Case(
        "s = X @ W; c = pick(s, y); m = s - reshape(c, shape=(5, 1)) + 1; h = relu(m); L = (sum(h) - 5) / 5",
        {"X": X, "W": W1[:, :3], "y": y},
        ["n = X.shape[0]\nds = (m > 0) * 1.0\nds[np.arange(n), y] = 0\nds[np.arange(n), y] = -ds.sum(axis=1)\nds /= n\n"
         "dW = X.T @ ds\ndX = ds @ W.T",
         "n = X.shape[0]\nmask = np.zeros_like(s)\nmask[m > 0] = 1\nrows = np.sum(mask, axis=1)\n"
         "mask[np.arange(n), y] -= rows\nds = mask / n\ndW = np.dot(X.T, ds)\ndX = ds.dot(W.T)"],
        [], "s = X @ W\nc = s[np.arange(5), y]\nm = s - c.reshape(5, 1) + 1",
    ),
    "mean squared error": Case(
        squared, {"X": X, "w": W1[:, 0], "b": 0.3, "t": S[:, 0]},
        ["n = len(t)\nde = 2 * e / n\ndw = X.T @ de\ndb = de.sum()\ndt = -de\ndX = np.outer(de, w)",
         "de = 2 / X.shape[0] * e\ndw = np.dot(X.T, de)\ndb = np.sum(de)\ndt = -1 * de\ndX = de[:, None] * w[None, :]"],
        [], "e = X @ w + b - t",
    ),
    "two layers": Case(
        "a = X @ W1 + b1; h = relu(a); s = h @ W2 + b2; p = softmax(s); L = -mean(log(pick(p, y)))",
        {"X": X, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "y": y},
        ["N = X.shape[0]\nds = p.copy()\nds[np.arange(N), y] -= 1\nds /= N\ndW2 = h.T @ ds\ndb2 = ds.sum(axis=0)\n"
         "dh = ds @ W2.T\nda = dh * (a > 0)\ndW1 = X.T @ da\ndb1 = da.sum(axis=0)\ndX = da @ W1.T",
         "grads = {}\nN, D = X.shape\nds = p\nds[np.arange(N), y] -= 1\nds /= N\n"
         "grads['W2'] = np.dot(h.T, ds)\ngrads['b2'] = np.sum(ds, axis=0)\ndh = np.dot(ds, W2.T)\n"
         "dh[h <= 0] = 0\ngrads['W1'] = np.dot(X.T, dh)\ngrads['b1'] = np.sum(dh, axis=0)\ndX = dh.dot(W1.T)",
         "N = X.shape[0]\nds = (p - np.eye(3)[y]) / N\ndW2 = np.matmul(h.T, ds)\ndb2 = np.sum(ds, 0)\n"
         "dh = (ds @ W2.T) * (h > 0)\ndW1 = X.T @ dh\ndb1 = np.sum(dh, 0)\ndX = dh @ np.transpose(W1)"],
        [], "a = X @ W1 + b1\nh = np.maximum(0, a)\ns = h @ W2 + b2\n" + SOFTMAX,
    ),
    "tanh net": Case(
        "h = tanh(X @ W1 + b1); o = h @ W2; e = o - T; L = 0.5 * sum(e ** 2)",
        {"X": X, "W1": W1, "b1": b1, "W2": W2, "T": S},
        ["de = e\ndT = -de\ndo = de\ndW2 = h.T @ do\ndh = do @ W2.T\ndz = dh * (1 - h**2)\ndW1 = X.T @ dz\n"
         "db1 = dz.sum(axis=0)\ndX = dz @ W1.T",
         "de = o - T\ndT = T - o\ndo = 1.0 * de\ndW2 = np.dot(h.T, do)\ndh = np.dot(do, W2.T)\n"
         "dz = (1 - np.square(h)) * dh\ndW1 = np.dot(X.T, dz)\ndb1 = np.sum(dz, axis=0)\ndX = np.dot(dz, W1.T)"],
        [], "h = np.tanh(X @ W1 + b1)\no = h @ W2\ne = o - T",
    ),
    "batch normalisation": Case(
        "mu = mean(X, axis=0); c = X - mu; v = mean(c * c, axis=0); r = 1 / sqrt(v + 0.001); xh = c * r; "
        "o = xh * g + b; L = sum(o * G)",
        {"X": X, "g": np.array([0.5, 1.5, 2.0]), "b": b1[:3], "G": S},
        ["N = X.shape[0]\ndo = G\ndb = do.sum(axis=0)\ndg = (do * xh).sum(axis=0)\ndG = o\ndxh = do * g\n"
         "dr = (dxh * c).sum(axis=0)\ndv = dr * -0.5 * (v + 0.001)**-1.5\ndc = dxh * r + 2 * c * dv / N\n"
         "dmu = -dc.sum(axis=0)\ndX = dc + dmu / N",
         "N, D = X.shape\ndG = o\ndb = np.sum(G, axis=0)\ndg = np.sum(G * xh, axis=0)\ndxh = G * g\n"
         "dX = r / N * (N * dxh - np.sum(dxh, axis=0) - xh * np.sum(dxh * xh, axis=0))",
         "N = X.shape[0]\ndG = o\ndb = np.sum(G, axis=0)\ndg = np.sum(xh * G, axis=0)\n"
         "dX = (1. / N) * g * (v + 0.001)**(-1. / 2.) * (N * G - np.sum(G, axis=0)"
         " - (X - mu) * (v + 0.001)**(-1.0) * np.sum(G * (X - mu), axis=0))"],
        [], "mu = X.mean(axis=0)\nc = X - mu\nv = (c * c).mean(axis=0)\nr = 1 / np.sqrt(v + 0.001)\nxh = c * r\no = xh * g + b",
    ),
    "attention": Case(
        "q = X @ Q; k = X @ K; v = X @ V; s = q @ transpose(k) / 2; p = softmax(s); o = p @ v; L = sum(o * G)",
        {"X": X, "Q": W1, "K": W1[::-1] + 0.1, "V": W2[:3], "G": S},
        ["do = G\ndG = o\ndp = do @ v.T\ndv = p.T @ do\nds = p * (dp - (dp * p).sum(axis=-1, keepdims=True))\n"
         "dq = ds @ k / 2\ndk = ds.T @ q / 2\ndQ = X.T @ dq\ndK = X.T @ dk\ndV = X.T @ dv\n"
         "dX = dq @ Q.T + dk @ K.T + dv @ V.T",
         "do = G\ndG = o\ndv = np.dot(p.T, do)\ndp = np.dot(do, v.T)\nt = dp * p\nds = t - p * np.sum(t, axis=1, keepdims=True)\n"
         "ds_ = ds / 2\ndq = ds_ @ k\ndk = ds_.T @ q\ndQ = X.T.dot(dq)\ndK = X.T.dot(dk)\ndV = X.T.dot(dv)\n"
         "dX = dq @ Q.T\ndX += dk @ K.T\ndX += dv @ V.T"],
        [], "q = X @ Q\nk = X @ K\nv = X @ V\ns = q @ k.T / 2\n" + SOFTMAX + "o = p @ v",
    ),
    "logistic, 0 and 1": Case(
        logistic,
        {"X": X, "w": W1[:, 0], "t": np.array([1.0, 0, 0, 1, 1])},
        ["n = len(s)\nds = (p - t) / n\ndw = X.T @ ds\ndX = np.outer(ds, w)\ndt = (np.log(1 - p) - np.log(p)) / n",
         "n = X.shape[0]\ndp = np.where(t == 1, -1 / p, 1 / (1 - p)) / n\nds = dp * p * (1 - p)\ndw = np.dot(ds, X)\n"
         "dX = ds[:, np.newaxis] * w\ndt = -s / n",
         "n = X.shape[0]\ndp = (p - t) / (p * (1 - p)) / n\nds = p * (1 - p) * dp\ndw = np.matmul(X.T, ds)\n"
         "dX = ds[:, None] @ w[None]\ndt = -s / n"],
        [], "s = X @ w\np = 1 / (1 + np.exp(-s))",
    ),
    "embedding": Case(
        "e = gather(C, i); h = tanh(e @ W); L = sum(h * G)",
        {"C": rng.normal(size=(4, 3)), "i": np.array([1, 0, 1, 3, 3]), "W": W2[:3], "G": S},
        ["dh = G\ndG = h\ndz = dh * (1 - h * h)\ndW = e.T @ dz\nde = dz @ W.T\ndC = np.zeros_like(C)\nnp.add.at(dC, i, de)",
         "dh = G\ndG = h\ndz = dh * (1 - h**2)\ndW = np.dot(e.T, dz)\nde = np.dot(dz, W.T)\ndC = np.eye(4)[i].T @ de"],
        [], "e = C[i]\nh = np.tanh(e @ W)",
    ),
    "weight decay": Case(
        "e = X @ W - T; L = mean(e * e) + 0.1 * sum(W * W)", {"X": X, "W": W1[:, :3], "T": S},
        ["de = 2 * e / e.size\ndT = -de\ndX = de @ W.T\ndW = X.T @ de\ndW += 2 * 0.1 * W",
         "N, K = T.shape\nreg = 0.1\nde = 2.0 / (N * K) * e\ndT = -de\ndX = np.dot(de, W.T)\ndW = np.dot(X.T, de) + 2 * reg * W"],
        [], "e = X @ W - T",
    ),
    "leaky relu and clamp": Case(
        "a = X * w; h = where(a > 0, a, 0.1 * a); L = sum(h * h)", {"X": X, "w": b1[:3]},
        ["dh = 2 * h\nda = dh * np.where(a > 0, 1, 0.1)\ndX = da * w\ndw = (da * X).sum(axis=0)",
         "dh = 2 * h\nda = dh.copy()\nda[a <= 0] *= 0.1\ndX = w * da\ndw = np.sum(X * da, axis=0)"],
        [], "a = X * w\nh = np.where(a > 0, a, 0.1 * a)",
    ),
}  # fmt: skip


# More spellings of the same


RESPELLED = [
    (
        r"(\b\w+)\.T @ (\w+)\b",
        [r"np.dot(\1.T, \2)", r"\1.T.dot(\2)", r"np.matmul(\1.T, \2)", r"(\1.T) @ \2"],
    ),
    (r"(\b\w+) @ (\w+)\.T\b", [r"np.dot(\1, \2.T)", r"\1.dot(\2.T)", r"(\2 @ \1.T).T"]),
    (r"np\.sum\((\w+), axis=0\)", [r"\1.sum(axis=0)", r"\1.sum(0)", r"np.sum(\1, 0)"]),
    (r"(\b\w+)\.sum\(axis=0\)", [r"np.sum(\1, axis=0)", r"\1.sum(0)", r"np.ones(len(\1)) @ \1"]),
    (r"(\b\w+)\*\*2\b", [r"(\1 * \1)", r"np.square(\1)", r"np.power(\1, 2)"]),
    (r"= (\w+) \* (\w+)$", [r"= \2 * \1", r"= np.multiply(\1, \2)"]),
    (r"X\.shape\[0\]", ["len(X)", "np.shape(X)[0]", "X.shape[0] * 1"]),
    (r"\.copy\(\)", [" * 1.0", " + 0.0"]),
    (r"np\.arange\((\w+)\)", [r"range(\1)", r"np.arange(0, \1)"]),
    (r"^(\w+) -= (.+)$", [r"\1 = \1 - (\2)"]),
]


def respelled(text, dice):
    """A work written otherwise, with the same meaning."""
    for pattern, others in RESPELLED:
        if dice.random() < 0.5:
            text = re.sub(pattern, dice.choice(others), text, flags=re.MULTILINE)
    return text


# Texts that are broken at random

ODD = ["None", "True", "[", "]", "(", ")", "**", "//", "%", "@", "1e309", "-1", ":", "...", "'a'", "lambda", "\\", "\0",
       "é", ";", ",", "=", "==", "np.", "int", "float", "axis=", "keepdims=True", ".T", ".shape", "9" * 11]  # fmt: skip


def garbled(case, dice):
    """A work with a few pieces replaced, left out, doubled or exchanged."""
    text = dice.choice([*case.numpy, *case.ours])
    pieces = re.findall(r"\w+|[^\w\s]|[ \n]+", text)
    others = sorted(set(pieces)) + ODD
    for _ in range(dice.randint(1, 4)):
        at, to, way = dice.randrange(len(pieces)), dice.randrange(len(pieces)), dice.random()
        if way < 0.4:
            pieces[at] = dice.choice(others)
        elif way < 0.6:
            pieces[at] = ""
        elif way < 0.8:
            pieces.insert(at, dice.choice(others))
        else:
            pieces[at], pieces[to] = pieces[to], pieces[at]
    return "".join(pieces)


# Slips


@dataclass
class Slip:
    """A work with one slip: its kind, the variable whose line it is in, the text."""

    kind: str
    name: str
    text: str


SAID = {
    "sign": r"sign|minus",
    "sign inside": r"sign|minus",
    "factor 2": r"times too|factor|number|division",
    "factor 1/2": r"times too|factor|number|branch",
    "upstream": r"upstream|factor|times too",
    "division": r"division|times too|factor",
    "term": r"branch|`=` for `\+=`|term|times too",
    "overwritten": r"`=` for `\+=`",
    "swapped": r"swapped|factor|exponent|off by one|it is 0",
    "transposed": r"transposed|sides",
    "sides": r"sides|transposed",
    "sum": r"broadcast sum|branch|sum",
    "label": r"off by one|outside|out of bounds",
    "mask": r"mask|slope",
    "mask turned": r"mask",
}


def slips(text, names):
    """Every slip that can be planted into a work. names: of the circuit's wires."""
    tree = ast.parse(text)
    for node in list(ast.walk(tree)):
        line = _line_of(tree, node)
        for kind, change in PLANTED.items() if line else ():
            for new in list(change(node, names, tree)):
                name = _name_of(line)
                _put(tree, node, new)
                yield Slip(kind, name, ast.unparse(ast.fix_missing_locations(tree)))
                _put(tree, new, node)


def _put(tree, old, new):
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
                return
            if isinstance(value, list) and any(v is old for v in value):
                setattr(parent, name, [new if v is old else v for v in value])
                return


def _line_of(tree, node):
    lines = [n for n in ast.walk(tree) if isinstance(n, ast.Assign | ast.AugAssign)]
    return next((n for n in lines if any(m is node for m in ast.walk(n))), None)


def _name_of(line):
    target = line.targets[0] if isinstance(line, ast.Assign) else line.target
    text = ast.unparse(target)
    found = re.match(r"grads\['(\w+)'\]", text)
    if found:
        return f"d{found[1]}"
    return re.sub(r"^(\w+)\.grad$", r"d\1", text).split("[")[0]


def _value(node, tree):
    return any(
        getattr(n, "value", None) is node
        for n in ast.walk(tree)
        if isinstance(n, ast.Assign | ast.AugAssign)
    )


def _of_a_pull(node, tree):
    line = _line_of(tree, node)
    return line is not None and _name_of(line)[:1] == "d" and not isinstance(node, ast.Tuple)


def _sign(node, names, tree):
    if _value(node, tree) and isinstance(node, ast.expr) and _of_a_pull(node, tree):
        yield ast.UnaryOp(ast.USub(), node)


def _sign_inside(node, names, tree):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield ast.BinOp(
            node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right
        )
    if isinstance(node, ast.UnaryOp):
        yield node.operand
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        yield ast.AugAssign(
            node.target, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.value
        )


def _twice(node, names, tree):
    if _value(node, tree) and isinstance(node, ast.expr) and _of_a_pull(node, tree):
        yield ast.BinOp(ast.Constant(2), ast.Mult(), node)


def _half(node, names, tree):
    if _value(node, tree) and isinstance(node, ast.expr) and _of_a_pull(node, tree):
        yield ast.BinOp(ast.Constant(0.5), ast.Mult(), node)


def _upstream(node, names, tree):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for kept, gone in ((node.left, node.right), (node.right, node.left)):
            if isinstance(gone, ast.Name) and gone.id[1:] in names and gone.id[0] == "d":
                yield kept


def _division(node, names, tree):
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and ast.unparse(node.right) in ("n", "N", "2")
    ):
        yield node.left
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div):
        yield ast.AugAssign(node.target, ast.Mult(), ast.Constant(1))


def _term(node, names, tree):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _of_a_pull(node, tree):
        yield node.left
        yield node.right


def _overwritten(node, names, tree):
    if (
        isinstance(node, ast.AugAssign)
        and isinstance(node.op, ast.Add)
        and isinstance(node.target, ast.Name)
    ):
        yield ast.Assign([node.target], node.value)


def _swapped(node, names, tree):
    line = _line_of(tree, node)
    if (
        isinstance(node, ast.Name)
        and node.id in names
        and any(n is node for n in ast.walk(line.value))
    ):
        others = {n.id for n in ast.walk(line) if isinstance(n, ast.Name)} & set(names)
        for other in sorted(others - {node.id}):
            yield ast.Name(other, ast.Load())


def _transposed(node, names, tree):
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value


def _sides(node, names, tree):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield ast.BinOp(node.right, node.op, node.left)


def _sum(node, names, tree):
    if isinstance(node, ast.Call) and "sum" in ast.unparse(node.func) and _value(node, tree):
        yield node.args[0] if ast.unparse(node.func) == "np.sum" else node.func.value


def _label(node, names, tree):
    if isinstance(node, ast.Name) and node.id in ("y", "i") and _is_in_index(node, tree):
        yield ast.BinOp(node, ast.Sub(), ast.Constant(1))
        yield ast.BinOp(node, ast.Add(), ast.Constant(1))


def _is_in_index(node, tree):
    parts = [n.slice for n in ast.walk(tree) if isinstance(n, ast.Subscript)]
    return any(m is node for p in parts for m in ast.walk(p))


def _mask(node, names, tree):
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and isinstance(node.right, ast.Compare)
    ):
        yield node.left
    if (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Subscript)
        and "<= 0" in ast.unparse(node)
    ):
        yield ast.parse("pass").body[0]


def _mask_turned(node, names, tree):
    turned = {ast.Gt: ast.Lt, ast.LtE: ast.Gt, ast.Lt: ast.Gt}
    if isinstance(node, ast.Compare) and type(node.ops[0]) in turned:
        yield ast.Compare(node.left, [turned[type(node.ops[0])]()], node.comparators)


PLANTED = {
    "sign": _sign, "sign inside": _sign_inside, "factor 2": _twice, "factor 1/2": _half, "upstream": _upstream,
    "division": _division, "term": _term, "overwritten": _overwritten, "swapped": _swapped,
    "transposed": _transposed, "sides": _sides, "sum": _sum, "label": _label, "mask": _mask,
    "mask turned": _mask_turned,
}  # fmt: skip


class Holder:
    """x.data and x.grad, for works in the style of a lecture on single numbers."""

    def __init__(self, data):
        self.data, self.grad = data, 0.0


def played(case, text):
    """The values that NumPy itself gives the work's names; None where it stops with an error.

    Arrays are the case's own, copied; the pull on an output that the work does not name is 1.
    """
    names = {"np": np, "grads": {}, **{k: np.copy(v)[()] for k, v in case.values.items()}}
    body = ast.parse(text).body
    lines = body[0].body if isinstance(body[0], ast.FunctionDef) else body
    text = "\n".join(ast.unparse(line) for line in lines if not isinstance(line, ast.Return))
    try:
        with np.errstate(all="ignore"):
            exec(case.forward, names)  # noqa: S102 - our own text, to ask NumPy itself
            if ".grad" in text:
                known = {k: v for k, v in names.items() if isinstance(v, float | np.floating)}
                names |= {k: Holder(v) for k, v in known.items()} | {"f": Holder(0.0)}
            exec(text, names)  # noqa: S102
    except (ValueError, TypeError, IndexError, NameError, ZeroDivisionError, AttributeError):
        return None
    found = {f"d{k}": v.grad for k, v in names.items() if isinstance(v, Holder)}
    found |= {f"d{k}": v for k, v in names["grads"].items()}
    return found | {k: v for k, v in names.items() if k[:1] == "d" and not callable(v)}


def planted(case, sample=None):
    """The slips of a case that change what NumPy computes; `sample` of them, or all."""
    names = set(re.findall(r"^(\w+) =", case.forward, re.MULTILINE)) | set(case.values)
    works = case.numpy if sample is None else case.numpy[-1:]
    every = {s.text: (s, text) for text in works for s in slips(text, names) if s.text != text}
    chosen = list(every.values())
    if sample is not None:
        dice(1).shuffle(chosen)
    found = (s for s, text in chosen if differs(played(case, text), played(case, s.text)))
    return list(itertools.islice(found, sample))


def differs(right, wrong):
    if wrong is None:
        return True
    return any(not alike(right[k], wrong.get(k)) for k in right)


def alike(a, b):
    if b is None or np.shape(a) != np.shape(b):
        return False
    return bool(np.allclose(a, b, rtol=1e-6, atol=1e-9))


def dice(seed):
    return random.Random(seed)

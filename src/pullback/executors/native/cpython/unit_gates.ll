; Gates by name or number, on Units: how a gate that is called finds its machine code, and sums of products.

; The number of a gate, 0 for one that is not known.
define internal i64 @number_of(ptr %gate) nounwind {
entry:
  br label %next
next:
  %op = phi i64 [1, %entry], [%up, %more]
  %at = getelementptr ptr, ptr @gates, i64 %op
  %known = load ptr, ptr %at
  %same = icmp eq ptr %known, %gate
  br i1 %same, label %found, label %other
other:
  %end = icmp eq ptr %known, null
  br i1 %end, label %none, label %more
more:
  %up = add i64 %op, 1
  br label %next
found:
  ret i64 %op
none:
  ret i64 0
}

; __apply_gate__(self, gate, inputs, attributes): straight to the gate where it is known and has no
; settings, else to Python.
define ptr @apply_gate(ptr %self, ptr %args, i64 %given) nounwind {
entry:
  %slow.args = alloca [4 x ptr]
  %three = icmp eq i64 %given, 3
  br i1 %three, label %read, label %wrong
wrong:
  %no = call ptr @misuse()
  ret ptr %no
read:
  %gate = load ptr, ptr %args
  %inputs.at = getelementptr ptr, ptr %args, i64 1
  %inputs = load ptr, ptr %inputs.at
  %settings.at = getelementptr ptr, ptr %args, i64 2
  %settings = load ptr, ptr %settings.at
  %s = call ptr @type(ptr %settings)
  %dict = call i1 @is_known(ptr %s, i64 $DICT)
  %t = call ptr @type(ptr %inputs)
  %tuple = call i1 @is_known(ptr %t, i64 $TUPLE)
  %usual = and i1 %dict, %tuple
  br i1 %usual, label %measure, label %slow
measure:
  %size = call i64 @PyDict_Size(ptr %settings)
  %none = icmp eq i64 %size, 0
  br i1 %none, label %find, label %slow
find:
  %op = call i64 @number_of(ptr %gate)
  %unknown = icmp eq i64 %op, 0
  br i1 %unknown, label %slow, label %found
found:
  %count.at = call ptr @at(ptr %inputs, i64 $HEAD)
  %count = load i64, ptr %count.at
  %wants = call i64 @inputs_of(i64 %op)
  %right = icmp eq i64 %count, %wants
  br i1 %right, label %look, label %slow
look:
  %first.at = call ptr @at(ptr %inputs, i64 $FIRST)
  %unit = call i1 @has_unit(ptr %first.at, i64 %count)
  br i1 %unit, label %go, label %slow
go:
  %y = call ptr @by_number(i64 %op, ptr %first.at)
  ret ptr %y
slow:
  store ptr %self, ptr %slow.args
  %s1 = getelementptr ptr, ptr %slow.args, i64 1
  store ptr %gate, ptr %s1
  %s2 = getelementptr ptr, ptr %slow.args, i64 2
  store ptr %inputs, ptr %s2
  %s3 = getelementptr ptr, ptr %slow.args, i64 3
  store ptr %settings, ptr %s3
  %python = call ptr @recall(i64 $APPLY)
  %answer = call ptr @PyObject_Vectorcall(ptr %python, ptr %slow.args, i64 4, ptr null)
  ret ptr %answer
}

; gate(*inputs): straight to a known gate where the inputs are Units and floats, else Gate's own way, in
; Python.
define ptr @call_gate(ptr %gate, ptr %args, i64 %given, ptr %names) nounwind {
entry:
  %unnamed = icmp eq ptr %names, null
  %few = sub i64 %given, 1
  %fits = icmp ult i64 %few, 2
  %usual = and i1 %unnamed, %fits
  br i1 %usual, label %look, label %slow
look:
  %x = load ptr, ptr %args
  %last.at = getelementptr ptr, ptr %args, i64 %few
  %last = load ptr, ptr %last.at
  %x.unit = call i1 @is_unit(ptr %x)
  %x.float = call i1 @is_float(ptr %x)
  %last.unit = call i1 @is_unit(ptr %last)
  %both = and i1 %x.float, %last.unit
  %ours = or i1 %x.unit, %both
  br i1 %ours, label %find, label %slow
find:
  %op = call i64 @number_of(ptr %gate)
  %wants = call i64 @inputs_of(i64 %op)
  %right = icmp eq i64 %wants, %given
  %known = icmp ne i64 %op, 0
  %go.on = and i1 %right, %known
  br i1 %go.on, label %go, label %slow
go:
  %y = call ptr @by_number(i64 %op, ptr %args)
  ret ptr %y
slow:
  %python = call ptr @recall(i64 $CALL)
  %bound = call ptr @PyMethod_New(ptr %python, ptr %gate)
  %lost = icmp eq ptr %bound, null
  br i1 %lost, label %out, label %ask
ask:
  %answer = call ptr @PyObject_Vectorcall(ptr %bound, ptr %args, i64 %given, ptr %names)
  call void @Py_DecRef(ptr %bound)
  ret ptr %answer
out:
  ret ptr null
}

; start._dot(w, x): start + w[0] x[0] + w[1] x[1] ... for two lists, a gate at a time; None for anything else.
define ptr @dot(ptr %self, ptr %args, i64 %given) nounwind {
entry:
  %two = icmp eq i64 %given, 2
  br i1 %two, label %read, label %wrong
wrong:
  %no = call ptr @misuse()
  ret ptr %no
read:
  %w = load ptr, ptr %args
  %x.at = getelementptr ptr, ptr %args, i64 1
  %x = load ptr, ptr %x.at
  %w.type = call ptr @type(ptr %w)
  %x.type = call ptr @type(ptr %x)
  %w.list = call i1 @is_known(ptr %w.type, i64 $LIST)
  %x.list = call i1 @is_known(ptr %x.type, i64 $LIST)
  %lists = and i1 %w.list, %x.list
  br i1 %lists, label %begin, label %other
other:
  %none = call ptr @recall(i64 $NONE)
  call void @Py_IncRef(ptr %none)
  ret ptr %none
begin:
  call void @Py_IncRef(ptr %self)
  br label %next
next:
  %i = phi i64 [0, %begin], [%up, %go]
  %sum = phi ptr [%self, %begin], [%more, %go]
  %w.size.at = call ptr @at(ptr %w, i64 $HEAD)
  %x.size.at = call ptr @at(ptr %x, i64 $HEAD)
  %w.size = load i64, ptr %w.size.at
  %x.size = load i64, ptr %x.size.at
  %in.w = icmp slt i64 %i, %w.size
  %in.x = icmp slt i64 %i, %x.size
  %inside = and i1 %in.w, %in.x
  br i1 %inside, label %term, label %out
term:
  %w.items = call ptr @field(ptr %w, i64 $ITEMS)
  %x.items = call ptr @field(ptr %x, i64 $ITEMS)
  %w.one.at = getelementptr ptr, ptr %w.items, i64 %i
  %x.one.at = getelementptr ptr, ptr %x.items, i64 %i
  %w.one = load ptr, ptr %w.one.at
  %x.one = load ptr, ptr %x.one.at
  %w.unit = call i1 @is_unit(ptr %w.one)
  %x.unit = call i1 @is_unit(ptr %x.one)
  %some = or i1 %w.unit, %x.unit
  br i1 %some, label %multiply, label %numbers
numbers:
  call void @Py_DecRef(ptr %sum)
  br label %other
multiply:
  %product = call ptr @slot.multiply(ptr %w.one, ptr %x.one)
  %no.product = icmp eq ptr %product, null
  br i1 %no.product, label %lost, label %add
add:
  %more = call ptr @slot.add(ptr %sum, ptr %product)
  call void @Py_DecRef(ptr %product)
  %no.sum = icmp eq ptr %more, null
  br i1 %no.sum, label %lost, label %go
go:
  call void @Py_DecRef(ptr %sum)
  %up = add i64 %i, 1
  br label %next
lost:
  call void @Py_DecRef(ptr %sum)
  ret ptr null
out:
  ret ptr %sum
}

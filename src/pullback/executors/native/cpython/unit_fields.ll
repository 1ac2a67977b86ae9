; What Python reads and sets on a Unit: value, grad, name, order, gate.

define internal ptr @float64(double %v) nounwind {
entry:
  %type = call ptr @recall(i64 $FLOAT64)
  %n = call ptr @_PyObject_New(ptr %type)
  %none = icmp eq ptr %n, null
  br i1 %none, label %out, label %fill
fill:
  %at = call ptr @at(ptr %n, i64 $VALUE)
  store double %v, ptr %at
  br label %out
out:
  ret ptr %n
}
define internal ptr @new(i64 %place) nounwind alwaysinline {
  %x = call ptr @recall(i64 %place)
  call void @Py_IncRef(ptr %x)
  ret ptr %x
}
define ptr @get_value(ptr %self, ptr %closure) nounwind {
  %v = call double @value(ptr %self)
  %n = call ptr @float64(double %v)
  ret ptr %n
}
define ptr @get_data(ptr %self, ptr %closure) nounwind {
  %v = call double @value(ptr %self)
  %n = call ptr @PyFloat_FromDouble(double %v)
  ret ptr %n
}
define internal double @grad(ptr %self) nounwind alwaysinline {
  %at = call ptr @at(ptr %self, i64 $GRAD)
  %g = load double, ptr %at
  ret double %g
}
define ptr @get_grad(ptr %self, ptr %closure) nounwind {
entry:
  %w = call i64 @word(ptr %self)
  %has = and i64 %w, $HAS
  %none = icmp eq i64 %has, 0
  br i1 %none, label %nothing, label %some
some:
  %g = call double @grad(ptr %self)
  %n = call ptr @float64(double %g)
  ret ptr %n
nothing:
  %o = call ptr @new(i64 $NONE)
  ret ptr %o
}
define ptr @get_plain_grad(ptr %self, ptr %closure) nounwind {
  %w = call i64 @word(ptr %self)
  %has = and i64 %w, $HAS
  %none = icmp eq i64 %has, 0
  %g = call double @grad(ptr %self)
  %h = select i1 %none, double 0.0, double %g
  %n = call ptr @PyFloat_FromDouble(double %h)
  ret ptr %n
}
define ptr @get_order(ptr %self, ptr %closure) nounwind {
  %w = call i64 @word(ptr %self)
  %time = lshr i64 %w, 16
  %n = call ptr @PyLong_FromLongLong(i64 %time)
  ret ptr %n
}
define ptr @get_name(ptr %self, ptr %closure) nounwind {
entry:
  %x = call ptr @field(ptr %self, i64 $LABEL)
  %none = icmp eq ptr %x, null
  br i1 %none, label %empty, label %some
some:
  call void @Py_IncRef(ptr %x)
  ret ptr %x
empty:
  %o = call ptr @new(i64 $EMPTY)
  ret ptr %o
}
; What anybody gave an object of the second type, whose dict lies where others have their name.
define ptr @get_dict(ptr %self, ptr %closure) nounwind {
  %d = call ptr @PyObject_GenericGetDict(ptr %self, ptr null)
  ret ptr %d
}
; How the number came about: None, or use(self, op, *inputs).
define ptr @get_gate(ptr %self, ptr %closure) nounwind {
entry:
  %args = alloca [4 x ptr]
  %w = call i64 @word(ptr %self)
  %op = and i64 %w, 255
  %leaf = icmp eq i64 %op, 0
  br i1 %leaf, label %none, label %some
none:
  %o = call ptr @new(i64 $NONE)
  ret ptr %o
some:
  %number = call ptr @PyLong_FromLongLong(i64 %op)
  store ptr %self, ptr %args
  %one = getelementptr ptr, ptr %args, i64 1
  store ptr %number, ptr %one
  %a = call ptr @field(ptr %self, i64 $A)
  %two = getelementptr ptr, ptr %args, i64 2
  store ptr %a, ptr %two
  %b = call ptr @field(ptr %self, i64 $B)
  %three = getelementptr ptr, ptr %args, i64 3
  store ptr %b, ptr %three
  %single = icmp eq ptr %b, null
  %count = select i1 %single, i64 3, i64 4
  %use = call ptr @recall(i64 $USE)
  %answer = call ptr @PyObject_Vectorcall(ptr %use, ptr %args, i64 %count, ptr null)
  call void @Py_DecRef(ptr %number)
  ret ptr %answer
}

define internal i32 @refused() nounwind noinline {
  %error = call ptr @recall(i64 $WRONG)
  call void @PyErr_SetString(ptr %error, ptr @kept)
  ret i32 -1
}
define internal i32 @set_number(ptr %self, ptr %x, i64 %offset) nounwind {
entry:
  %gone = icmp eq ptr %x, null
  br i1 %gone, label %refuse, label %read
refuse:
  %r = call i32 @refused()
  ret i32 %r
read:
  %v = call double @PyFloat_AsDouble(ptr %x)
  %e = call ptr @PyErr_Occurred()
  %bad = icmp ne ptr %e, null
  br i1 %bad, label %failed, label %good
good:
  %at = call ptr @at(ptr %self, i64 %offset)
  store double %v, ptr %at
  ret i32 0
failed:
  ret i32 -1
}
define i32 @set_value(ptr %self, ptr %x, ptr %closure) nounwind {
  %r = call i32 @set_number(ptr %self, ptr %x, i64 $VALUE)
  ret i32 %r
}
define i32 @set_grad(ptr %self, ptr %x, ptr %closure) nounwind {
entry:
  %w = call i64 @word(ptr %self)
  %none = call i1 @is_known(ptr %x, i64 $NONE)
  br i1 %none, label %clear, label %set
clear:
  %without = and i64 %w, $NOT_HAS
  call void @set_word(ptr %self, i64 %without)
  ret i32 0
set:
  %r = call i32 @set_number(ptr %self, ptr %x, i64 $GRAD)
  %ok = icmp eq i32 %r, 0
  br i1 %ok, label %mark, label %out
mark:
  %w.now = call i64 @word(ptr %self)  ; Python may have run meanwhile
  %with = or i64 %w.now, $HAS
  call void @set_word(ptr %self, i64 %with)
  br label %out
out:
  ret i32 %r
}
define i32 @set_name(ptr %self, ptr %x, ptr %closure) nounwind {
entry:
  %gone = icmp eq ptr %x, null
  br i1 %gone, label %refuse, label %good
refuse:
  %r = call i32 @refused()
  ret i32 %r
good:
  %old = call ptr @field(ptr %self, i64 $LABEL)
  call void @Py_IncRef(ptr %x)
  %at = call ptr @at(ptr %self, i64 $LABEL)
  store ptr %x, ptr %at
  call void @release(ptr %old)
  ret i32 0
}
define ptr @same(ptr %self) nounwind {
  call void @Py_IncRef(ptr %self)
  ret ptr %self
}

; The number type behind `Unit`: objects made, joined, pulled and freed by machine code.
;
; An object is the interpreter's own head and then the fields below. `word` holds the order of birth
; (from bit 16 on), flags (from bit 8 on) and which gate put the number out (the lowest 8 bits, 0 for
; none). Inputs are held by reference: a Unit, or a float, whose value lies at the same place.
; NAME is filled in by eager.py.

declare ptr @_PyObject_New(ptr)
declare ptr @PyObject_Init(ptr, ptr)
declare void @PyObject_Free(ptr)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyFloat_FromDouble(double)
declare double @PyFloat_AsDouble(ptr)
declare double @PyLong_AsDouble(ptr)
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare i64 @PyDict_Size(ptr)
declare ptr @PyErr_Occurred()
declare void @PyErr_Clear()
declare void @PyErr_SetString(ptr, ptr)
declare ptr @PyErr_NoMemory()
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyMem_RawMalloc(i64)
declare ptr @PyMem_RawRealloc(ptr, i64)
declare void @PyMem_RawFree(ptr)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

@known = global [16 x ptr] zeroinitializer      ; Python objects, by NAME
@loops = global [64 x ptr] zeroinitializer      ; NumPy's inner loops, each with its data
@gates = global [256 x ptr] zeroinitializer     ; Python's gates, by number; null ends them
@clock = global i64 0
@pending = internal global ptr null             ; objects whose turn to be freed comes
@busy = internal global i1 false
@spare = internal global ptr null               ; freed objects kept for the next graph: at most SPARE
@spares = internal global i64 0
@list = internal global ptr null                ; working memory of `pull`, kept between calls if small
@list.room = internal global i64 0
@failed = internal global i1 false
@table = internal global ptr null
@table.room = internal global i64 0
@sink = internal global [128 x i8] zeroinitializer  ; takes the pulls on constants
@kept = internal constant [47 x i8] c"a Unit's value and grad cannot be deleted here\00"

; Fields

define internal ptr @at(ptr %x, i64 %offset) alwaysinline nounwind {
  %p = getelementptr i8, ptr %x, i64 %offset
  ret ptr %p
}
define internal ptr @type(ptr %x) alwaysinline nounwind {
  %p = call ptr @at(ptr %x, i64 $TYPE)
  %t = load ptr, ptr %p
  ret ptr %t
}
define internal double @value(ptr %x) alwaysinline nounwind {
  %p = call ptr @at(ptr %x, i64 $VALUE)
  %v = load double, ptr %p
  ret double %v
}
define internal ptr @field(ptr %x, i64 %offset) alwaysinline nounwind {
  %p = call ptr @at(ptr %x, i64 %offset)
  %v = load ptr, ptr %p
  ret ptr %v
}
define internal i64 @word(ptr %x) alwaysinline nounwind {
  %p = call ptr @at(ptr %x, i64 $WORD)
  %w = load i64, ptr %p
  ret i64 %w
}
define internal void @set_word(ptr %x, i64 %w) alwaysinline nounwind {
  %p = call ptr @at(ptr %x, i64 $WORD)
  store i64 %w, ptr %p
  ret void
}
define internal i1 @is_known(ptr %type, i64 %place) alwaysinline nounwind {
  %p = getelementptr ptr, ptr @known, i64 %place
  %k = load ptr, ptr %p
  %same = icmp eq ptr %type, %k
  ret i1 %same
}
define internal ptr @recall(i64 %place) alwaysinline nounwind {
  %p = getelementptr ptr, ptr @known, i64 %place
  %k = load ptr, ptr %p
  ret ptr %k
}
define internal i1 @is_unit(ptr %x) alwaysinline nounwind {
  %t = call ptr @type(ptr %x)
  %a = call i1 @is_known(ptr %t, i64 $UNIT)
  %b = call i1 @is_known(ptr %t, i64 $PLAIN)
  %c = or i1 %a, %b
  ret i1 %c
}
define internal i1 @is_float(ptr %x) alwaysinline nounwind {
  %t = call ptr @type(ptr %x)
  %a = call i1 @is_known(ptr %t, i64 $FLOAT)
  %b = call i1 @is_known(ptr %t, i64 $FLOAT64)
  %c = or i1 %a, %b
  ret i1 %c
}

; Making

; A new reference to what can be an input as it is, else null and no error: Units, floats; whole numbers become floats.
define internal ptr @operand(ptr %x) alwaysinline nounwind {
entry:
  %unit = call i1 @is_unit(ptr %x)
  %float = call i1 @is_float(ptr %x)
  %ready = or i1 %unit, %float
  br i1 %ready, label %keep, label %other
keep:
  call void @Py_IncRef(ptr %x)
  ret ptr %x
other:
  %made = call ptr @from_int(ptr %x)
  ret ptr %made
}
define internal ptr @from_int(ptr %x) noinline nounwind {
entry:
  %t = call ptr @type(ptr %x)
  %int = call i1 @is_known(ptr %t, i64 $INT)
  br i1 %int, label %convert, label %numpy
numpy:
  %int64 = call i1 @is_known(ptr %t, i64 $INT64)
  br i1 %int64, label %whole, label %none
whole:
  %held = call ptr @at(ptr %x, i64 $VALUE)
  %i = load i64, ptr %held
  %r = sitofp i64 %i to double
  %copy = call ptr @PyFloat_FromDouble(double %r)
  ret ptr %copy
convert:
  %v = call double @PyLong_AsDouble(ptr %x)
  %e = call ptr @PyErr_Occurred()
  %bad = icmp ne ptr %e, null
  br i1 %bad, label %clear, label %make
make:
  %made = call ptr @PyFloat_FromDouble(double %v)
  ret ptr %made
clear:
  call void @PyErr_Clear()
  br label %none
none:
  ret ptr null
}

; A new object that takes over the references to its inputs (null for none).
define internal ptr @node(ptr %type, double %v, ptr %a, ptr %b, i64 %low) nounwind {
entry:
  %old = load ptr, ptr @spare
  %empty = icmp eq ptr %old, null
  br i1 %empty, label %fresh, label %reuse
reuse:
  %rest = call ptr @field(ptr %old, i64 $VALUE)
  store ptr %rest, ptr @spare
  %many = load i64, ptr @spares
  %fewer = sub i64 %many, 1
  store i64 %fewer, ptr @spares
  %again = call ptr @PyObject_Init(ptr %old, ptr %type)
  br label %fill
fresh:
  %new = call ptr @_PyObject_New(ptr %type)
  %none = icmp eq ptr %new, null
  br i1 %none, label %failed, label %fill
fill:
  %n = phi ptr [%again, %reuse], [%new, %fresh]
  %value.at = call ptr @at(ptr %n, i64 $VALUE)
  store double %v, ptr %value.at
  %grad.at = call ptr @at(ptr %n, i64 $GRAD)
  store double 0.0, ptr %grad.at
  %a.at = call ptr @at(ptr %n, i64 $A)
  store ptr %a, ptr %a.at
  %b.at = call ptr @at(ptr %n, i64 $B)
  store ptr %b, ptr %b.at
  %name.at = call ptr @at(ptr %n, i64 $LABEL)
  store ptr null, ptr %name.at
  %time = load i64, ptr @clock
  %next = add i64 %time, 1
  store i64 %next, ptr @clock
  %high = shl i64 %time, 16
  %w = or i64 %high, %low
  call void @set_word(ptr %n, i64 %w)
  ret ptr %n
failed:
  call void @release(ptr %a)
  call void @release(ptr %b)
  ret ptr null
}
define internal void @release(ptr %x) alwaysinline nounwind {
entry:
  %none = icmp eq ptr %x, null
  br i1 %none, label %done, label %drop
drop:
  call void @Py_DecRef(ptr %x)
  br label %done
done:
  ret void
}

; What a gate of two inputs (or one: %b is null) puts out; its type is that of its first Unit.
define internal ptr @joined(ptr %a, ptr %b, i64 %op, double %v) alwaysinline nounwind {
entry:
  %fa = call i1 @is_unit(ptr %a)
  %none = icmp eq ptr %b, null
  %b.or.a = select i1 %none, ptr %a, ptr %b
  %fb.seen = call i1 @is_unit(ptr %b.or.a)
  %some = xor i1 %none, true
  %fb = and i1 %fb.seen, %some
  %model = select i1 %fa, ptr %a, ptr %b.or.a
  %type = call ptr @type(ptr %model)
  %wa = select i1 %fa, i64 $A_UNIT, i64 0
  %wb = select i1 %fb, i64 $B_UNIT, i64 0
  %w1 = or i64 %wa, %wb
  %w2 = or i64 %w1, %op
  %n = call ptr @node(ptr %type, double %v, ptr %a, ptr %b, i64 %w2)
  ret ptr %n
}

; Anything else goes to Python: slow(op, left, right), right is null for a gate of one input.
define internal ptr @slowly(i64 %op, ptr %l, ptr %r) noinline nounwind {
entry:
  %args = alloca [3 x ptr]
  %number = call ptr @PyLong_FromLongLong(i64 %op)
  store ptr %number, ptr %args
  %l.at = getelementptr ptr, ptr %args, i64 1
  store ptr %l, ptr %l.at
  %r.at = getelementptr ptr, ptr %args, i64 2
  store ptr %r, ptr %r.at
  %one = icmp eq ptr %r, null
  %count = select i1 %one, i64 2, i64 3
  %slow = call ptr @recall(i64 $SLOW)
  %answer = call ptr @PyObject_Vectorcall(ptr %slow, ptr %args, i64 %count, ptr null)
  call void @Py_DecRef(ptr %number)
  ret ptr %answer
}

define ptr @make(ptr %type, ptr %args, ptr %named) nounwind {
entry:
  %given = alloca [3 x ptr]
  %size.at = call ptr @at(ptr %args, i64 $HEAD)
  %size = load i64, ptr %size.at
  %unnamed = icmp eq ptr %named, null
  %single = icmp eq i64 %size, 1
  %usual = and i1 %unnamed, %single
  br i1 %usual, label %look, label %slow
look:
  %x = call ptr @field(ptr %args, i64 $FIRST)
  %ready = call i1 @is_float(ptr %x)
  br i1 %ready, label %direct, label %other
direct:
  %v = call double @value(ptr %x)
  %n = call ptr @node(ptr %type, double %v, ptr null, ptr null, i64 0)
  ret ptr %n
other:
  %float = call ptr @from_int(ptr %x)
  %none = icmp eq ptr %float, null
  br i1 %none, label %slow, label %whole
whole:
  %w = call double @value(ptr %float)
  call void @Py_DecRef(ptr %float)
  %m = call ptr @node(ptr %type, double %w, ptr null, ptr null, i64 0)
  ret ptr %m
slow:
  %nothing = call ptr @recall(i64 $NONE)
  %keywords = select i1 %unnamed, ptr %nothing, ptr %named
  store ptr %type, ptr %given
  %one = getelementptr ptr, ptr %given, i64 1
  store ptr %args, ptr %one
  %two = getelementptr ptr, ptr %given, i64 2
  store ptr %keywords, ptr %two
  %new = call ptr @recall(i64 $NEW)
  %answer = call ptr @PyObject_Vectorcall(ptr %new, ptr %given, i64 3, ptr null)
  ret ptr %answer
}
; That this slot is filled keeps a type from taking over its base's place with the garbage collector.
define i32 @traverse(ptr %self, ptr %visit, ptr %argument) nounwind {
  ret i32 0
}
define i32 @ready(ptr %self, ptr %args, ptr %named) nounwind {
  ret i32 0
}

; __apply_gate__(self, gate, inputs, attributes): straight to the gate where it is known and has no
; settings, else to Python.
define ptr @apply_gate(ptr %self, ptr %args, i64 %given) nounwind {
entry:
  %slow.args = alloca [4 x ptr]
  %four = icmp eq i64 %given, 3
  %gate = load ptr, ptr %args
  %inputs.at = getelementptr ptr, ptr %args, i64 1
  %inputs = load ptr, ptr %inputs.at
  %settings.at = getelementptr ptr, ptr %args, i64 2
  %settings = load ptr, ptr %settings.at
  %size = call i64 @PyDict_Size(ptr %settings)
  %none = icmp eq i64 %size, 0
  %t = call ptr @type(ptr %inputs)
  %tuple = call i1 @is_known(ptr %t, i64 $TUPLE)
  %plain0 = and i1 %four, %none
  %plain = and i1 %plain0, %tuple
  br i1 %plain, label %find, label %slow
find:
  %op = phi i64 [1, %entry], [%op.up, %more]
  %at = getelementptr ptr, ptr @gates, i64 %op
  %known = load ptr, ptr %at
  %same = icmp eq ptr %known, %gate
  br i1 %same, label %found, label %other
other:
  %end = icmp eq ptr %known, null
  br i1 %end, label %slow, label %more
more:
  %op.up = add i64 %op, 1
  br label %find
found:
  %count.at = call ptr @at(ptr %inputs, i64 $HEAD)
  %count = load i64, ptr %count.at
  %wants = call i64 @inputs_of(i64 %op)
  %right = icmp eq i64 %count, %wants
  br i1 %right, label %go, label %slow
go:
  %first.at = call ptr @at(ptr %inputs, i64 $FIRST)
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

; Freeing, without recursion: what is let go while another is being freed waits for its turn.
define void @free(ptr %self) nounwind {
entry:
  %value.at = call ptr @at(ptr %self, i64 $VALUE)
  %already = load i1, ptr @busy
  br i1 %already, label %wait, label %begin
wait:
  %before = load ptr, ptr @pending
  store ptr %before, ptr %value.at
  store ptr %self, ptr @pending
  ret void
begin:
  store i1 true, ptr @busy
  br label %next
next:
  %x = phi ptr [%self, %begin], [%first, %more]
  %a = call ptr @field(ptr %x, i64 $A)
  %b = call ptr @field(ptr %x, i64 $B)
  %name = call ptr @field(ptr %x, i64 $LABEL)
  %type = call ptr @type(ptr %x)
  call void @keep_or_free(ptr %x)
  call void @Py_DecRef(ptr %type)
  call void @release(ptr %a)
  call void @release(ptr %b)
  call void @release(ptr %name)
  %first = load ptr, ptr @pending
  %empty = icmp eq ptr %first, null
  br i1 %empty, label %done, label %more
more:
  %rest = call ptr @field(ptr %first, i64 $VALUE)
  store ptr %rest, ptr @pending
  br label %next
done:
  store i1 false, ptr @busy
  ret void
}

define internal void @keep_or_free(ptr %x) alwaysinline nounwind {
entry:
  %many = load i64, ptr @spares
  %full = icmp uge i64 %many, $SPARE
  br i1 %full, label %free, label %keep
free:
  call void @PyObject_Free(ptr %x)
  ret void
keep:
  %more = add i64 %many, 1
  store i64 %more, ptr @spares
  %before = load ptr, ptr @spare
  %at = call ptr @at(ptr %x, i64 $VALUE)
  store ptr %before, ptr %at
  store ptr %x, ptr @spare
  ret void
}

; Reading and setting

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
  %error = call ptr @recall(i64 $REFUSED)
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
  %with = or i64 %w, $HAS
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
define ptr @as_float(ptr %self) nounwind {
  %v = call double @value(ptr %self)
  %n = call ptr @PyFloat_FromDouble(double %v)
  ret ptr %n
}
define ptr @same(ptr %self) nounwind {
  call void @Py_IncRef(ptr %self)
  ret ptr %self
}

; Pulling

; The list grows by %x if it was not met yet. Its old grad is kept beside it, and the new one begins at
; -0, the one number that changes nothing it is added to.
define internal void @meet(ptr %x, ptr %count) alwaysinline nounwind {
entry:
  %w = call i64 @word(ptr %x)
  %seen = and i64 %w, $SEEN
  %new = icmp eq i64 %seen, 0
  br i1 %new, label %measure, label %out
measure:
  %n = load i64, ptr %count
  %most = load i64, ptr @list.room
  %full = icmp uge i64 %n, %most
  br i1 %full, label %grow, label %keep
grow:
  %grown = call i1 @grow()
  br i1 %grown, label %keep, label %lost
lost:
  store i1 true, ptr @failed
  br label %out
keep:
  %list = load ptr, ptr @list
  %entry.at = getelementptr [2 x i64], ptr %list, i64 %n
  store ptr %x, ptr %entry.at
  %old.at = getelementptr i8, ptr %entry.at, i64 8
  %g = call double @grad(ptr %x)
  store double %g, ptr %old.at
  %grad.at = call ptr @at(ptr %x, i64 $GRAD)
  store double -0.0, ptr %grad.at
  %has = and i64 %w, $HAS
  %had = shl i64 %has, 2
  %unpulled = and i64 %w, $NOT_HAS
  %remembering = or i64 %unpulled, %had
  %marked = or i64 %remembering, $SEEN
  call void @set_word(ptr %x, i64 %marked)
  %up = add i64 %n, 1
  store i64 %up, ptr %count
  br label %out
out:
  ret void
}
define internal i1 @grow() noinline nounwind {
entry:
  %most = load i64, ptr @list.room
  %twice = mul i64 %most, 2
  %more = add i64 %twice, 256
  %bytes = mul i64 %more, 16
  %old = load ptr, ptr @list
  %larger = call ptr @PyMem_RawRealloc(ptr %old, i64 %bytes)
  %none = icmp eq ptr %larger, null
  br i1 %none, label %no, label %yes
no:
  ret i1 false
yes:
  store ptr %larger, ptr @list
  store i64 %more, ptr @list.room
  ret i1 true
}
; Room for so many bytes in @table, or null. What was in it is lost.
define internal ptr @table_of(i64 %bytes) noinline nounwind {
entry:
  %room = load i64, ptr @table.room
  %old = load ptr, ptr @table
  %enough = icmp ule i64 %bytes, %room
  br i1 %enough, label %have, label %grow
have:
  ret ptr %old
grow:
  call void @PyMem_RawFree(ptr %old)
  %half = lshr i64 %bytes, 1
  %more0 = add i64 %bytes, %half
  %more = add i64 %more0, 4096
  %new = call ptr @PyMem_RawMalloc(i64 %more)
  store ptr %new, ptr @table
  %none = icmp eq ptr %new, null
  %now = select i1 %none, i64 0, i64 %more
  store i64 %now, ptr @table.room
  ret ptr %new
}
define internal void @return_memory() alwaysinline nounwind {
entry:
  %l.room = load i64, ptr @list.room
  %l.large = icmp ugt i64 %l.room, $SPARE
  br i1 %l.large, label %list, label %table.too
list:
  %l = load ptr, ptr @list
  call void @PyMem_RawFree(ptr %l)
  store ptr null, ptr @list
  store i64 0, ptr @list.room
  br label %table.too
table.too:
  %t.room = load i64, ptr @table.room
  %t.few = lshr i64 %t.room, 4
  %t.large = icmp ugt i64 %t.few, $SPARE
  br i1 %t.large, label %table, label %out
table:
  %t = load ptr, ptr @table
  call void @PyMem_RawFree(ptr %t)
  store ptr null, ptr @table
  store i64 0, ptr @table.room
  br label %out
out:
  ret void
}

; One pass of a radix sort by byte number %shift/8 of the keys: %from -> %to, pairs of 16 bytes.
define internal void @sort_by(ptr %from, ptr %to, i64 %n, i64 %shift) nounwind {
entry:
  %counts = alloca [256 x i64], align 16
  call void @llvm.memset.p0.i64(ptr %counts, i8 0, i64 2048, i1 false)
  br label %count
count:
  %i = phi i64 [0, %entry], [%i.up, %count]
  %pair = getelementptr [2 x i64], ptr %from, i64 %i
  %key = load i64, ptr %pair
  %moved = lshr i64 %key, %shift
  %digit = and i64 %moved, 255
  %slot = getelementptr i64, ptr %counts, i64 %digit
  %c = load i64, ptr %slot
  %c.up = add i64 %c, 1
  store i64 %c.up, ptr %slot
  %i.up = add i64 %i, 1
  %i.end = icmp eq i64 %i.up, %n
  br i1 %i.end, label %sum, label %count
sum:
  %d = phi i64 [0, %count], [%d.up, %sum]
  %before = phi i64 [0, %count], [%after, %sum]
  %place = getelementptr i64, ptr %counts, i64 %d
  %here = load i64, ptr %place
  store i64 %before, ptr %place
  %after = add i64 %before, %here
  %d.up = add i64 %d, 1
  %d.end = icmp eq i64 %d.up, 256
  br i1 %d.end, label %move, label %sum
move:
  %j = phi i64 [0, %sum], [%j.up, %move]
  %source = getelementptr [2 x i64], ptr %from, i64 %j
  %both = load <2 x i64>, ptr %source, align 8
  %k = extractelement <2 x i64> %both, i64 0
  %k.moved = lshr i64 %k, %shift
  %k.digit = and i64 %k.moved, 255
  %k.slot = getelementptr i64, ptr %counts, i64 %k.digit
  %target = load i64, ptr %k.slot
  %goes = getelementptr [2 x i64], ptr %to, i64 %target
  store <2 x i64> %both, ptr %goes, align 8
  %target.up = add i64 %target, 1
  store i64 %target.up, ptr %k.slot
  %j.up = add i64 %j, 1
  %j.end = icmp eq i64 %j.up, %n
  br i1 %j.end, label %out, label %move
out:
  ret void
}

define internal void @give(ptr %x, double %pull) alwaysinline nounwind {
  %at = call ptr @at(ptr %x, i64 $GRAD)
  %g = load double, ptr %at
  %sum = fadd double %g, %pull
  store double %sum, ptr %at
  %w = call i64 @word(ptr %x)
  %with = or i64 %w, $HAS
  call void @set_word(ptr %x, i64 %with)
  ret void
}

; pull(self, force, accumulate): every Unit that self was made from gets its grad.
define ptr @pull(ptr %self, ptr %args, i64 %given) nounwind {
entry:
  %count = alloca i64
  %force.x = load ptr, ptr %args
  %force = call double @value(ptr %force.x)
  %add.at = getelementptr ptr, ptr %args, i64 1
  %add.x = load ptr, ptr %add.at
  %adding = call i1 @is_known(ptr %add.x, i64 $TRUE)
  store i64 0, ptr %count
  store i1 false, ptr @failed
  call void @meet(ptr %self, ptr %count)
  %root.w = call i64 @word(ptr %self)
  %root.time = lshr i64 %root.w, 16
  %nowhere = load i1, ptr @failed
  br i1 %nowhere, label %finish, label %walk
walk:
  %i = phi i64 [0, %entry], [%i.up, %walked]
  %gates = phi i64 [0, %entry], [%gates.up, %walked]
  %span = phi i64 [0, %entry], [%span.up, %walked]
  %list = load ptr, ptr @list
  %entry.at = getelementptr [2 x i64], ptr %list, i64 %i
  %x = load ptr, ptr %entry.at
  %w = call i64 @word(ptr %x)
  %op = and i64 %w, 255
  %is.leaf = icmp eq i64 %op, 0
  br i1 %is.leaf, label %walked, label %walk.gate
walk.gate:
  %gates.next = add i64 %gates, 1
  %time = lshr i64 %w, 16
  %age = sub i64 %root.time, %time
  %older = icmp ugt i64 %age, %span
  %span.next = select i1 %older, i64 %age, i64 %span
  %fa = and i64 %w, $A_UNIT
  %has.a = icmp ne i64 %fa, 0
  br i1 %has.a, label %walk.a, label %walk.b.too
walk.a:
  %a = call ptr @field(ptr %x, i64 $A)
  call void @meet(ptr %a, ptr %count)
  br label %walk.b.too
walk.b.too:
  %fb = and i64 %w, $B_UNIT
  %has.b = icmp ne i64 %fb, 0
  br i1 %has.b, label %walk.b, label %walked
walk.b:
  %b = call ptr @field(ptr %x, i64 $B)
  call void @meet(ptr %b, ptr %count)
  br label %walked
walked:
  %gates.up = phi i64 [%gates, %walk], [%gates.next, %walk.b.too], [%gates.next, %walk.b]
  %span.up = phi i64 [%span, %walk], [%span.next, %walk.b.too], [%span.next, %walk.b]
  %i.up = add i64 %i, 1
  %n = load i64, ptr %count
  %walk.end = icmp eq i64 %i.up, %n
  br i1 %walk.end, label %order, label %walk
order:
  %lost = load i1, ptr @failed
  br i1 %lost, label %finish, label %arrange
arrange:
  %slots = call i64 @arrange(i64 %n, i64 %gates.up, i64 %span.up, i64 %root.time)
  %none = icmp eq i64 %slots, -1
  br i1 %none, label %lose, label %forced
lose:
  store i1 true, ptr @failed
  br label %finish
forced:
  call void @give(ptr %self, double %force)
  %rows = load ptr, ptr @table
  %no.gate = icmp eq i64 %slots, 0
  br i1 %no.gate, label %finish, label %sweep
sweep:
  %s = phi i64 [0, %forced], [%s.up, %swept]
  %s.at = getelementptr ptr, ptr %rows, i64 %s
  %g = load ptr, ptr %s.at
  %g.none = icmp eq ptr %g, null
  br i1 %g.none, label %swept, label %look
look:
  %g.w = call i64 @word(ptr %g)
  %g.has = and i64 %g.w, $HAS
  %g.still = icmp eq i64 %g.has, 0
  br i1 %g.still, label %swept, label %step
step:
  call void @step(ptr %g, i64 %g.w)
  br label %swept
swept:
  %s.up = add i64 %s, 1
  %s.end = icmp eq i64 %s.up, %slots
  br i1 %s.end, label %finish, label %sweep
finish:
  %total = load i64, ptr %count
  call void @finish(i64 %total, i1 %adding)
  call void @return_memory()
  %bad = load i1, ptr @failed
  br i1 %bad, label %badly, label %well
badly:
  %e = call ptr @PyErr_NoMemory()
  ret ptr null
well:
  %o = call ptr @new(i64 $NONE)
  ret ptr %o
}

; Put the gates of the list into @table, the youngest first; null where there is a gap. The number of
; slots, or -1 without memory. Gates born closely together each go straight to their place.
define internal i64 @arrange(i64 %n, i64 %gates, i64 %span, i64 %root) noinline nounwind {
entry:
  %twice = mul i64 %gates, 3
  %most = add i64 %twice, 64
  %dense = icmp ule i64 %span, %most
  %slots.dense = add i64 %span, 1
  %bytes.dense = mul i64 %slots.dense, 8
  %bytes.sparse = mul i64 %gates, 32
  %bytes = select i1 %dense, i64 %bytes.dense, i64 %bytes.sparse
  %table = call ptr @table_of(i64 %bytes)
  %none = icmp eq ptr %table, null
  br i1 %none, label %lost, label %choose
lost:
  ret i64 -1
choose:
  %list = load ptr, ptr @list
  %no.gate = icmp eq i64 %gates, 0
  br i1 %no.gate, label %empty, label %some
empty:
  ret i64 0
some:
  br i1 %dense, label %clear, label %pairs
clear:
  call void @llvm.memset.p0.i64(ptr %table, i8 0, i64 %bytes.dense, i1 false)
  br label %dense.next
dense.next:
  %d = phi i64 [0, %clear], [%d.up, %dense.done]
  %d.entry = getelementptr [2 x i64], ptr %list, i64 %d
  %d.x = load ptr, ptr %d.entry
  %d.w = call i64 @word(ptr %d.x)
  %d.op = and i64 %d.w, 255
  %d.leaf = icmp eq i64 %d.op, 0
  br i1 %d.leaf, label %dense.done, label %dense.put
dense.put:
  %d.time = lshr i64 %d.w, 16
  %d.age = sub i64 %root, %d.time
  %d.slot = getelementptr ptr, ptr %table, i64 %d.age
  store ptr %d.x, ptr %d.slot
  br label %dense.done
dense.done:
  %d.up = add i64 %d, 1
  %d.end = icmp eq i64 %d.up, %n
  br i1 %d.end, label %dense.out, label %dense.next
dense.out:
  ret i64 %slots.dense

pairs:
  %half = mul i64 %gates, 16
  %other = getelementptr i8, ptr %table, i64 %half
  br label %pair.next
pair.next:
  %p = phi i64 [0, %pairs], [%p.up, %pair.done]
  %q = phi i64 [0, %pairs], [%q.up, %pair.done]
  %p.entry = getelementptr [2 x i64], ptr %list, i64 %p
  %p.x = load ptr, ptr %p.entry
  %p.w = call i64 @word(ptr %p.x)
  %p.op = and i64 %p.w, 255
  %p.leaf = icmp eq i64 %p.op, 0
  br i1 %p.leaf, label %pair.done, label %pair.put
pair.put:
  %p.time = lshr i64 %p.w, 16
  %p.age = sub i64 %root, %p.time
  %pair = getelementptr [2 x i64], ptr %table, i64 %q
  store i64 %p.age, ptr %pair
  %pair.x = getelementptr i64, ptr %pair, i64 1
  store ptr %p.x, ptr %pair.x
  %q.next = add i64 %q, 1
  br label %pair.done
pair.done:
  %q.up = phi i64 [%q, %pair.next], [%q.next, %pair.put]
  %p.up = add i64 %p, 1
  %p.end = icmp eq i64 %p.up, %n
  br i1 %p.end, label %sort, label %pair.next
sort:
  %from = phi ptr [%table, %pair.done], [%to, %sorting]
  %to = phi ptr [%other, %pair.done], [%from, %sorting]
  %shift = phi i64 [0, %pair.done], [%shift.up, %sorting]
  %left = lshr i64 %span, %shift
  %sorted = icmp eq i64 %left, 0
  br i1 %sorted, label %strip, label %sorting
sorting:
  call void @sort_by(ptr %from, ptr %to, i64 %gates, i64 %shift)
  %shift.up = add i64 %shift, 8
  br label %sort
strip:
  %k = phi i64 [0, %sort], [%k.up, %strip]
  %k.pair = getelementptr [2 x i64], ptr %from, i64 %k
  %k.x.at = getelementptr i64, ptr %k.pair, i64 1
  %k.x = load ptr, ptr %k.x.at
  %k.to = getelementptr ptr, ptr %table, i64 %k
  store ptr %k.x, ptr %k.to
  %k.up = add i64 %k, 1
  %k.end = icmp eq i64 %k.up, %gates
  br i1 %k.end, label %sparse.out, label %strip
sparse.out:
  ret i64 %gates
}

; Forget who was met; with %adding the old grads are added to the new ones.
define internal void @finish(i64 %n, i1 %adding) noinline nounwind {
entry:
  %list = load ptr, ptr @list
  %empty = icmp eq i64 %n, 0
  br i1 %empty, label %out, label %next
next:
  %f = phi i64 [0, %entry], [%f.up, %done]
  %at = getelementptr [2 x i64], ptr %list, i64 %f
  %x = load ptr, ptr %at
  %w = call i64 @word(ptr %x)
  %plain = and i64 %w, $NOT_MET
  call void @set_word(ptr %x, i64 %plain)
  br i1 %adding, label %combine, label %done
combine:
  %had = and i64 %w, $HAD
  %new = icmp eq i64 %had, 0
  br i1 %new, label %done, label %add
add:
  %old.at = getelementptr i8, ptr %at, i64 8
  %old = load double, ptr %old.at
  %grad.at = call ptr @at(ptr %x, i64 $GRAD)
  %g = load double, ptr %grad.at
  %sum = fadd double %old, %g
  store double %sum, ptr %grad.at
  %with = or i64 %plain, $HAS
  call void @set_word(ptr %x, i64 %with)
  br label %done
done:
  %f.up = add i64 %f, 1
  %end = icmp eq i64 %f.up, %n
  br i1 %end, label %out, label %next
out:
  ret void
}

; A constant's pulls go down the sink.
define internal ptr @receiver(ptr %self, i64 %w, i64 %flag, i64 %offset) alwaysinline nounwind {
  %bit = and i64 %w, %flag
  %unit = icmp ne i64 %bit, 0
  %x = call ptr @field(ptr %self, i64 %offset)
  %p = select i1 %unit, ptr %x, ptr @sink
  ret ptr %p
}

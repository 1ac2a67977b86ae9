; The number type behind `Unit`: objects made, joined, pulled and freed by machine code.
;
; An object is the interpreter's own head and then the fields below. `word` holds the order of birth
; (from bit 16 on), flags (from bit 8 on) and which gate put the number out (the lowest 8 bits, 0 for
; none). Inputs are held by reference: a Unit, or a float, whose value lies at the same place.
; NAME is filled in by eager.py.

declare ptr @_PyObject_New(ptr)
declare void @PyObject_Free(ptr)
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyFloat_FromDouble(double)
declare double @PyFloat_AsDouble(ptr)
declare double @PyLong_AsDouble(ptr)
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare i64 @PyDict_Size(ptr)
declare ptr @PyObject_GenericGetDict(ptr, ptr)
declare ptr @PyErr_Occurred()
declare void @PyErr_Clear()
declare void @PyErr_SetString(ptr, ptr)
declare ptr @PyMethod_New(ptr, ptr)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)

@known = global [32 x ptr] zeroinitializer      ; Python objects, by NAME
@loops = global [64 x ptr] zeroinitializer      ; NumPy's inner loops, each with its data
@gates = global [256 x ptr] zeroinitializer     ; Python's gates, by number; null ends them
@clock = global i64 0
@pending = internal global ptr null             ; objects whose turn to be freed comes
@busy = internal global i1 false
@spare = internal global ptr null               ; freed objects kept for the next graph: room for SPARE
@spares = internal global i64 0                 ; how many there are
@kept = internal constant [42 x i8] c"what a Unit holds is set, but not deleted\00"
@misused = internal constant [78 x i8] c"a Unit's own method was given arguments of the wrong number or the wrong kind\00"

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

; One more reference to a Unit. None of them lives for ever, so that it may be counted here.
define internal void @hold(ptr %x) alwaysinline nounwind {
  %p = call ptr @at(ptr %x, i64 $REFERENCES)
  %n = load i64, ptr %p
  %up = add i64 %n, 1
  store i64 %up, ptr %p
  ret void
}

; Making

; A new reference to what can be an input, else null and no error: Units and floats as they are, whole
; numbers as floats.
define internal ptr @operand(ptr %x) alwaysinline nounwind {
entry:
  %unit = call i1 @is_unit(ptr %x)
  br i1 %unit, label %keep, label %look
keep:
  call void @hold(ptr %x)
  ret ptr %x
look:
  %float = call i1 @is_float(ptr %x)
  br i1 %float, label %take, label %other
take:
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
  %many = load i64, ptr @spares
  %empty = icmp eq i64 %many, 0
  br i1 %empty, label %fresh, label %reuse
reuse:
  %fewer = sub i64 %many, 1
  store i64 %fewer, ptr @spares
  %spare = load ptr, ptr @spare
  %old.at = getelementptr ptr, ptr %spare, i64 %fewer
  %old = load ptr, ptr %old.at
  %soon.at = getelementptr ptr, ptr %old.at, i64 -$AHEAD
  %soon = load ptr, ptr %soon.at
  call void @llvm.prefetch.p0(ptr %soon, i32 1, i32 3, i32 1)
  %count.at = call ptr @at(ptr %old, i64 $REFERENCES)
  store i64 1, ptr %count.at
  %was = call ptr @type(ptr %old)  ; what is spare keeps its hold on its type
  %same = icmp eq ptr %was, %type
  br i1 %same, label %fill, label %retype
retype:
  %type.at = call ptr @at(ptr %old, i64 $TYPE)
  store ptr %type, ptr %type.at
  call void @Py_IncRef(ptr %type)
  call void @Py_DecRef(ptr %was)
  br label %fill
fresh:
  %new = call ptr @_PyObject_New(ptr %type)
  %none = icmp eq ptr %new, null
  br i1 %none, label %failed, label %fill
fill:
  %n = phi ptr [%old, %reuse], [%old, %retype], [%new, %fresh]
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

; What a gate of two inputs (or one: %b is null) puts out; its type is that of its first Unit. %op: the
; gate's number and flags. Below an uncertain number everything is uncertain.
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
  %a.or.b = select i1 %fa, ptr %a, ptr %model  ; a float has no word
  %b.or.model = select i1 %fb, ptr %b.or.a, ptr %model
  %word.a = call i64 @word(ptr %a.or.b)
  %word.b = call i64 @word(ptr %b.or.model)
  %words = or i64 %word.a, %word.b
  %unsure = and i64 %words, $UNSURE
  %w1.5 = or i64 %w1, %unsure
  %w2 = or i64 %w1.5, %op
  %n = call ptr @node(ptr %type, double %v, ptr %a, ptr %b, i64 %w2)
  ret ptr %n
}

; Whether one of so many inputs, 1 or 2, is a Unit.
define internal i1 @has_unit(ptr %inputs, i64 %count) alwaysinline nounwind {
  %last.place = sub i64 %count, 1
  %last.at = getelementptr ptr, ptr %inputs, i64 %last.place
  %first = load ptr, ptr %inputs
  %last = load ptr, ptr %last.at
  %a = call i1 @is_unit(ptr %first)
  %b = call i1 @is_unit(ptr %last)
  %c = or i1 %a, %b
  ret i1 %c
}

; Refuse what a method was given.
define internal ptr @misuse() noinline nounwind {
  %error = call ptr @recall(i64 $WRONG)
  call void @PyErr_SetString(ptr %error, ptr @misused)
  ret ptr null
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

; Freeing, without recursion: what is let go while another is being freed waits for its turn.
define void @free(ptr %self) nounwind {
entry:
  %already = load i1, ptr @busy
  br i1 %already, label %wait, label %begin
wait:
  call void @line_up_to_be_freed(ptr %self)
  ret void
begin:
  store i1 true, ptr @busy
  br label %next
next:
  %x = phi ptr [%self, %begin], [%first, %more]
  %a = call ptr @field(ptr %x, i64 $A)
  %b = call ptr @field(ptr %x, i64 $B)
  %name = call ptr @field(ptr %x, i64 $LABEL)
  %w = call i64 @word(ptr %x)
  call void @keep_or_free(ptr %x)
  call void @let_go(ptr %a, i64 %w, i64 $A_UNIT)
  call void @let_go(ptr %b, i64 %w, i64 $B_UNIT)
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

; One reference less to an input, which waits for its turn if that was the last one.
define internal void @let_go(ptr %x, i64 %w, i64 %flag) alwaysinline nounwind {
entry:
  %bit = and i64 %w, %flag
  %unit = icmp ne i64 %bit, 0
  br i1 %unit, label %count, label %other
count:
  %p = call ptr @at(ptr %x, i64 $REFERENCES)
  %n = load i64, ptr %p
  %down = sub i64 %n, 1
  store i64 %down, ptr %p
  %last = icmp eq i64 %down, 0
  br i1 %last, label %wait, label %done
wait:
  call void @line_up_to_be_freed(ptr %x)
  br label %done
other:
  call void @release(ptr %x)
  br label %done
done:
  ret void
}
define internal void @line_up_to_be_freed(ptr %x) alwaysinline nounwind {
  %before = load ptr, ptr @pending
  %at = call ptr @at(ptr %x, i64 $VALUE)
  store ptr %before, ptr %at
  store ptr %x, ptr @pending
  ret void
}

define internal void @keep_or_free(ptr %x) alwaysinline nounwind {
entry:
  %many = load i64, ptr @spares
  %full = icmp uge i64 %many, $SPARE
  br i1 %full, label %free, label %look
look:
  %there = load ptr, ptr @spare
  %first = icmp eq ptr %there, null
  br i1 %first, label %make, label %keep
make:
  %made = call ptr @room_for_spares()
  %none = icmp eq ptr %made, null
  br i1 %none, label %free, label %keep
free:
  %type = call ptr @type(ptr %x)
  call void @PyObject_Free(ptr %x)
  call void @Py_DecRef(ptr %type)
  ret void
keep:
  %spare = phi ptr [%there, %look], [%made, %make]
  %more = add i64 %many, 1
  store i64 %more, ptr @spares
  %at = getelementptr ptr, ptr %spare, i64 %many
  store ptr %x, ptr %at
  ret void
}
; Places for SPARE objects, and before them empty ones for who looks AHEAD.
define internal ptr @room_for_spares() noinline nounwind {
entry:
  %places = add i64 $SPARE, $AHEAD
  %all = call ptr @PyMem_RawCalloc(i64 %places, i64 8)
  %none = icmp eq ptr %all, null
  br i1 %none, label %out, label %found
found:
  %first = getelementptr ptr, ptr %all, i64 $AHEAD
  store ptr %first, ptr @spare
  ret ptr %first
out:
  ret ptr null
}


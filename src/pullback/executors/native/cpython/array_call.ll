; Arrays in and out. A name behind a dollar: a place in the context, or an offset of layout.py.
define internal ptr @known(ptr %slots, i64 %place) nounwind alwaysinline {
  %at = getelementptr ptr, ptr %slots, i64 %place
  %value = load ptr, ptr %at, align 1
  ret ptr %value
}
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyList_New(i64)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)

define internal i64 @part(ptr %object, i64 %offset) nounwind alwaysinline {
  %at = getelementptr i8, ptr %object, i64 %offset
  %value = load i64, ptr %at, align 1
  ret i64 %value
}

; Where the numbers of one argument lie; null when it is not what %spec wants.
define internal ptr @numbers(ptr %slots, ptr %spec, ptr %one) nounwind noinline {
entry:
  %type.at = getelementptr i8, ptr %one, i64 $TYPE
  %type = load ptr, ptr %type.at
  %axes = call i64 @part(ptr %spec, i64 16)
  %number = icmp slt i64 %axes, 0
  br i1 %number, label %single, label %several
several:
  %array = call ptr @known(ptr %slots, i64 $ARRAY)
  %is.array = icmp eq ptr %type, %array
  br i1 %is.array, label %look, label %bad
look:
  %dtype = call i64 @part(ptr %one, i64 $DTYPE)
  %dtype.wanted = call i64 @part(ptr %spec, i64 0)
  %dtype.good = icmp eq i64 %dtype, %dtype.wanted
  %flags.all = call i64 @part(ptr %one, i64 $FLAGS)
  %flags.wanted = call i64 @part(ptr %spec, i64 8)
  %flags = and i64 %flags.all, %flags.wanted
  %flags.good = icmp eq i64 %flags, %flags.wanted
  %has.all = call i64 @part(ptr %one, i64 $AXES)
  %has = and i64 %has.all, 4294967295
  %has.good = icmp eq i64 %has, %axes
  %good.a = and i1 %dtype.good, %flags.good
  %good.b = and i1 %good.a, %has.good
  br i1 %good.b, label %measure, label %bad
measure:
  %sizes.at = getelementptr i8, ptr %one, i64 $SIZES
  %sizes = load ptr, ptr %sizes.at
  br label %axis
axis:
  %i = phi i64 [0, %measure], [%i.next, %same]
  %end = icmp eq i64 %i, %axes
  br i1 %end, label %found, label %compare
compare:
  %offset = shl i64 %i, 3
  %size = call i64 @part(ptr %sizes, i64 %offset)
  %offset.spec = add i64 %offset, 40
  %size.wanted = call i64 @part(ptr %spec, i64 %offset.spec)
  %size.good = icmp eq i64 %size, %size.wanted
  br i1 %size.good, label %same, label %bad
same:
  %i.next = add i64 %i, 1
  br label %axis
found:
  %data.at = getelementptr i8, ptr %one, i64 $DATA
  %data = load ptr, ptr %data.at
  ret ptr %data
single:
  %value.at = getelementptr i8, ptr %one, i64 $HEAD
  %python = call ptr @known(ptr %slots, i64 $PYTHON)
  %is.python = icmp eq ptr %type, %python
  %double = call ptr @known(ptr %slots, i64 $DOUBLE)
  %is.double = icmp eq ptr %type, %double
  %is.wide = or i1 %is.python, %is.double
  br i1 %is.wide, label %wide, label %narrow.or.bad
narrow.or.bad:
  %float = call ptr @known(ptr %slots, i64 $SINGLE)
  %is.float = icmp eq ptr %type, %float
  br i1 %is.float, label %narrow, label %bad
wide:
  %x = load double, ptr %value.at
  br label %store
narrow:
  %y = load float, ptr %value.at
  %y.wide = fpext float %y to double
  br label %store
store:
  %value = phi double [%x, %wide], [%y.wide, %narrow]
  %slot.bits = call i64 @part(ptr %spec, i64 32)
  %slot = inttoptr i64 %slot.bits to ptr
  %is.single.bits = call i64 @part(ptr %spec, i64 24)
  %is.single = icmp ne i64 %is.single.bits, 0
  br i1 %is.single, label %as.single, label %as.double
as.single:
  %short = fptrunc double %value to float
  store float %short, ptr %slot
  ret ptr %slot
as.double:
  store double %value, ptr %slot
  ret ptr %slot
bad:
  ret ptr null
}

; The addresses of %count arguments into the table; false when one does not fit.
define internal i1 @inputs(ptr %slots, ptr %args) nounwind alwaysinline {
entry:
  %count.ptr = call ptr @known(ptr %slots, i64 $COUNT)
  %count = ptrtoint ptr %count.ptr to i64
  %specs = call ptr @known(ptr %slots, i64 $SPECS)
  %table = call ptr @known(ptr %slots, i64 $TABLE)
  br label %next
next:
  %i = phi i64 [0, %entry], [%i.next, %good]
  %end = icmp eq i64 %i, %count
  br i1 %end, label %all, label %one
one:
  %at = getelementptr ptr, ptr %args, i64 %i
  %object = load ptr, ptr %at
  %offset = mul i64 %i, $SPEC
  %spec = getelementptr i8, ptr %specs, i64 %offset
  %numbers = call ptr @numbers(ptr %slots, ptr %spec, ptr %object)
  %none = icmp eq ptr %numbers, null
  br i1 %none, label %bad, label %good
good:
  %to = getelementptr ptr, ptr %table, i64 %i
  store ptr %numbers, ptr %to
  %i.next = add i64 %i, 1
  br label %next
all:
  ret i1 true
bad:
  ret i1 false
}

; Without an arena of its own the program works in the first new array, from a whole $ALIGNED bytes on.
define internal i1 @go(ptr %slots) nounwind alwaysinline {
entry:
  %run = call ptr @known(ptr %slots, i64 $RUN)
  %table = call ptr @known(ptr %slots, i64 $TABLE)
  %own = call ptr @known(ptr %slots, i64 $ARENA)
  %has = icmp ne ptr %own, null
  br i1 %has, label %start, label %new
new:
  %count.ptr = call ptr @known(ptr %slots, i64 $COUNT)
  %count = ptrtoint ptr %count.ptr to i64
  %block.at = getelementptr ptr, ptr %table, i64 %count
  %block = load i64, ptr %block.at
  %above = add i64 %block, $LAST
  %whole = and i64 %above, -$ALIGNED
  %aligned = inttoptr i64 %whole to ptr
  br label %start
start:
  %arena = phi ptr [%own, %entry], [%aligned, %new]
  %said = call i64 %run(ptr %table, ptr %arena)
  %fine = icmp eq i64 %said, 0
  ret i1 %fine
}

define internal ptr @context(ptr %self) nounwind alwaysinline {
  %first.at = getelementptr i8, ptr %self, i64 $FIRST
  %bytes = load ptr, ptr %first.at
  %slots = getelementptr i8, ptr %bytes, i64 $BYTES
  ret ptr %slots
}

define ptr @enter(ptr %self, ptr %args, i64 %given, ptr %names) nounwind {
entry:
  %slots = call ptr @context(ptr %self)
  %count.ptr = call ptr @known(ptr %slots, i64 $COUNT)
  %count = ptrtoint ptr %count.ptr to i64
  %unnamed = icmp eq ptr %names, null
  %enough = icmp eq i64 %given, %count
  %usual = and i1 %unnamed, %enough
  br i1 %usual, label %take, label %slow
take:
  %fit = call i1 @inputs(ptr %slots, ptr %args)
  br i1 %fit, label %run, label %slow
run:
  %fine = call i1 @go(ptr %slots)
  br i1 %fine, label %done, label %slow
done:
  %nothing = call ptr @known(ptr %slots, i64 $NONE)
  call void @Py_IncRef(ptr %nothing)
  ret ptr %nothing
slow:
  %python.slow = call ptr @known(ptr %slots, i64 $SLOW)
  %answer = call ptr @PyObject_Vectorcall(ptr %python.slow, ptr %args, i64 %given, ptr %names)
  ret ptr %answer
}

; A list of new arrays; null when there is no memory. Making them may run anybody's Python code and so
; change the table: the addresses are put there afterwards.
define internal ptr @outputs(ptr %slots) nounwind alwaysinline {
entry:
  %inputs.ptr = call ptr @known(ptr %slots, i64 $COUNT)
  %inputs = ptrtoint ptr %inputs.ptr to i64
  %count.ptr = call ptr @known(ptr %slots, i64 $OUTPUTS)
  %count = ptrtoint ptr %count.ptr to i64
  %specs = call ptr @known(ptr %slots, i64 $SPECS)
  %new = call ptr @known(ptr %slots, i64 $NEW)
  %array = call ptr @known(ptr %slots, i64 $ARRAY)
  %made = call ptr @PyList_New(i64 %count)
  %no.list = icmp eq ptr %made, null
  br i1 %no.list, label %failed, label %begin
begin:
  %items.at = getelementptr i8, ptr %made, i64 $ITEMS
  %items = load ptr, ptr %items.at
  br label %next
next:
  %i = phi i64 [0, %begin], [%i.next, %put]
  %end = icmp eq i64 %i, %count
  br i1 %end, label %all, label %one
one:
  %place = add i64 %inputs, %i
  %offset = mul i64 %place, $SPEC
  %spec = getelementptr i8, ptr %specs, i64 %offset
  %dtype.bits = call i64 @part(ptr %spec, i64 0)
  %dtype = inttoptr i64 %dtype.bits to ptr
  %axes.wide = call i64 @part(ptr %spec, i64 16)
  %axes = trunc i64 %axes.wide to i32
  %sizes = getelementptr i8, ptr %spec, i64 40
  call void @Py_IncRef(ptr %dtype)
  %object = call ptr %new(ptr %array, ptr %dtype, i32 %axes, ptr %sizes, ptr null, ptr null, i32 0, ptr null)
  %none = icmp eq ptr %object, null
  br i1 %none, label %lost, label %put
put:
  %item = getelementptr ptr, ptr %items, i64 %i
  store ptr %object, ptr %item
  %i.next = add i64 %i, 1
  br label %next
all:
  ret ptr %made
lost:
  call void @Py_DecRef(ptr %made)
  br label %failed
failed:
  ret ptr null
}

; Where the arrays of a list lie, into the table behind the inputs.
define internal void @place(ptr %slots, ptr %made) nounwind alwaysinline {
entry:
  %inputs.ptr = call ptr @known(ptr %slots, i64 $COUNT)
  %inputs = ptrtoint ptr %inputs.ptr to i64
  %count.ptr = call ptr @known(ptr %slots, i64 $OUTPUTS)
  %count = ptrtoint ptr %count.ptr to i64
  %table = call ptr @known(ptr %slots, i64 $TABLE)
  %items.at = getelementptr i8, ptr %made, i64 $ITEMS
  %items = load ptr, ptr %items.at
  br label %next
next:
  %i = phi i64 [0, %entry], [%i.next, %one]
  %end = icmp eq i64 %i, %count
  br i1 %end, label %all, label %one
one:
  %item = getelementptr ptr, ptr %items, i64 %i
  %object = load ptr, ptr %item
  %data.at = getelementptr i8, ptr %object, i64 $DATA
  %data = load ptr, ptr %data.at
  %place = add i64 %inputs, %i
  %to = getelementptr ptr, ptr %table, i64 %place
  store ptr %data, ptr %to
  %i.next = add i64 %i, 1
  br label %next
all:
  ret void
}

; Arrays without axes become numbers, as in NumPy itself.
define internal i1 @as.numbers(ptr %slots, ptr %made) nounwind alwaysinline {
entry:
  %count.ptr = call ptr @known(ptr %slots, i64 $OUTPUTS)
  %count = ptrtoint ptr %count.ptr to i64
  %scalar = call ptr @known(ptr %slots, i64 $SCALAR)
  %items.at = getelementptr i8, ptr %made, i64 $ITEMS
  %items = load ptr, ptr %items.at
  br label %next
next:
  %i = phi i64 [0, %entry], [%i.next, %up]
  %end = icmp eq i64 %i, %count
  br i1 %end, label %all, label %one
one:
  %item = getelementptr ptr, ptr %items, i64 %i
  %object = load ptr, ptr %item
  %axes.both = call i64 @part(ptr %object, i64 $AXES)
  %axes = and i64 %axes.both, 4294967295
  %single = icmp eq i64 %axes, 0
  br i1 %single, label %turn, label %up
turn:
  %number = call ptr %scalar(ptr %object)
  store ptr %number, ptr %item
  %none = icmp eq ptr %number, null
  br i1 %none, label %failed, label %up
up:
  %i.next = add i64 %i, 1
  br label %next
all:
  ret i1 true
failed:
  ret i1 false
}

define ptr @ask(ptr %self, ptr %args, i64 %given, ptr %names) nounwind {
entry:
  %slots = call ptr @context(ptr %self)
  %unnamed = icmp eq ptr %names, null
  %single = icmp eq i64 %given, 1
  %usual = and i1 %unnamed, %single
  br i1 %usual, label %look, label %slow
look:
  %list = load ptr, ptr %args
  %type.at = getelementptr i8, ptr %list, i64 $TYPE
  %type = load ptr, ptr %type.at
  %wanted = call ptr @known(ptr %slots, i64 $LIST)
  %right = icmp eq ptr %type, %wanted
  br i1 %right, label %make, label %slow
make:
  %made = call ptr @outputs(ptr %slots)
  %none = icmp eq ptr %made, null
  br i1 %none, label %failed, label %measure
measure:
  %length = call i64 @part(ptr %list, i64 $SIZE)
  %count.ptr = call ptr @known(ptr %slots, i64 $COUNT)
  %count = ptrtoint ptr %count.ptr to i64
  %enough = icmp eq i64 %length, %count
  br i1 %enough, label %take, label %refused
take:
  %items.at = getelementptr i8, ptr %list, i64 $ITEMS
  %items = load ptr, ptr %items.at
  %fit = call i1 @inputs(ptr %slots, ptr %items)
  br i1 %fit, label %run, label %refused
run:
  call void @place(ptr %slots, ptr %made)
  %fine = call i1 @go(ptr %slots)
  br i1 %fine, label %done, label %refused
refused:
  call void @Py_DecRef(ptr %made)
  br label %slow
done:
  %turned = call i1 @as.numbers(ptr %slots, ptr %made)
  br i1 %turned, label %give, label %lost
give:
  ret ptr %made
lost:
  call void @Py_DecRef(ptr %made)
  br label %failed
failed:
  ret ptr null
slow:
  %python.slow = call ptr @known(ptr %slots, i64 $SLOW)
  %answer = call ptr @PyObject_Vectorcall(ptr %python.slow, ptr %args, i64 %given, ptr %names)
  ret ptr %answer
}

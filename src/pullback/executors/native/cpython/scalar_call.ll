; Single numbers in and out. A name behind a dollar: a place in the context, or an offset of layout.py.
define internal ptr @known(ptr %slots, i64 %place) nounwind alwaysinline {
  %at = getelementptr ptr, ptr %slots, i64 %place
  %value = load ptr, ptr %at, align 1
  ret ptr %value
}
declare ptr @PyList_New(i64)
declare ptr @PyTuple_New(i64)
declare ptr @PyFloat_FromDouble(double)
declare double @PyLong_AsDouble(ptr)
declare ptr @_PyObject_New(ptr)
declare void @Py_DecRef(ptr)
declare void @PyErr_Clear()
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)

define internal ptr @context(ptr %self) nounwind alwaysinline {
  %first.at = getelementptr i8, ptr %self, i64 $FIRST
  %bytes = load ptr, ptr %first.at
  %slots = getelementptr i8, ptr %bytes, i64 $BYTES
  ret ptr %slots
}

define internal i64 @count(ptr %slots, i64 %place) nounwind alwaysinline {
  %at = getelementptr i64, ptr %slots, i64 %place
  %value = load i64, ptr %at, align 1
  ret i64 %value
}

define internal ptr @type(ptr %object) nounwind alwaysinline {
  %at = getelementptr i8, ptr %object, i64 $TYPE
  %value = load ptr, ptr %at
  ret ptr %value
}

; The numbers among %items as doubles; false when one is no plain number.
define internal i1 @unpack(ptr %slots, ptr %items, i64 %n, ptr %in) nounwind alwaysinline {
entry:
  %float = call ptr @known(ptr %slots, i64 $FLOAT)
  %float64 = call ptr @known(ptr %slots, i64 $NUMPY)
  %int = call ptr @known(ptr %slots, i64 $INT)
  br label %next
next:
  %i = phi i64 [0, %entry], [%up, %good]
  %end = icmp eq i64 %i, %n
  br i1 %end, label %done, label %look
look:
  %at = getelementptr ptr, ptr %items, i64 %i
  %one = load ptr, ptr %at
  %type = call ptr @type(ptr %one)
  %a = icmp eq ptr %type, %float
  %b = icmp eq ptr %type, %float64
  %real = or i1 %a, %b
  br i1 %real, label %held, label %other
held:
  %value.at = getelementptr i8, ptr %one, i64 $HEAD
  %value = load double, ptr %value.at
  br label %good
other:
  %whole = icmp eq ptr %type, %int
  br i1 %whole, label %convert, label %bad
convert:
  %converted = call double @PyLong_AsDouble(ptr %one)
  %doubt = fcmp oeq double %converted, -1.0
  br i1 %doubt, label %doubtful, label %good
doubtful:
  call void @PyErr_Clear()
  br label %bad
good:
  %number = phi double [%value, %held], [%converted, %convert]
  %to = getelementptr double, ptr %in, i64 %i
  store double %number, ptr %to
  %up = add i64 %i, 1
  br label %next
done:
  ret i1 true
bad:
  ret i1 false
}

; A new np.float64.
define internal ptr @float64(ptr %type, double %x) nounwind alwaysinline {
  %made = call ptr @_PyObject_New(ptr %type)
  %none = icmp eq ptr %made, null
  br i1 %none, label %out, label %fill
fill:
  %value.at = getelementptr i8, ptr %made, i64 $HEAD
  store double %x, ptr %value.at
  br label %out
out:
  ret ptr %made
}

; %whole, with its %items filled by the numbers in %out: np.float64 where there is a %type, else float.
define internal ptr @filled(ptr %whole, ptr %items, i64 %n, ptr %out, ptr %type) nounwind alwaysinline {
entry:
  %plain = icmp eq ptr %type, null
  br label %next
next:
  %i = phi i64 [0, %entry], [%up, %put]
  %end = icmp eq i64 %i, %n
  br i1 %end, label %done, label %make
make:
  %from = getelementptr double, ptr %out, i64 %i
  %value = load double, ptr %from
  br i1 %plain, label %python, label %numpy
numpy:
  %a = call ptr @float64(ptr %type, double %value)
  br label %made
python:
  %b = call ptr @PyFloat_FromDouble(double %value)
  br label %made
made:
  %one = phi ptr [%a, %numpy], [%b, %python]
  %none = icmp eq ptr %one, null
  br i1 %none, label %lost, label %put
put:
  %to = getelementptr ptr, ptr %items, i64 %i
  store ptr %one, ptr %to
  %up = add i64 %i, 1
  br label %next
done:
  ret ptr %whole
lost:
  call void @Py_DecRef(ptr %whole)
  ret ptr null
}

define ptr @run(ptr %self, ptr %args, i64 %given, ptr %names) nounwind {
entry:
  %slots = call ptr @context(ptr %self)
  %n = call i64 @count(ptr %slots, i64 $INPUTS)
  %m = call i64 @count(ptr %slots, i64 $OUTPUTS)
  %unnamed = icmp eq ptr %names, null
  %single = icmp eq i64 %given, 1
  %usual = and i1 %unnamed, %single
  br i1 %usual, label %look, label %slow
look:
  %list = load ptr, ptr %args
  %type = call ptr @type(ptr %list)
  %wanted = call ptr @known(ptr %slots, i64 $LIST)
  %right = icmp eq ptr %type, %wanted
  br i1 %right, label %measure, label %slow
measure:
  %size.at = getelementptr i8, ptr %list, i64 $SIZE
  %size = load i64, ptr %size.at
  %fits = icmp eq i64 %size, %n
  br i1 %fits, label %read, label %slow
read:
  %in = alloca double, i64 %n
  %out = alloca double, i64 %m
  %items.at = getelementptr i8, ptr %list, i64 $ITEMS
  %items = load ptr, ptr %items.at
  %ok = call i1 @unpack(ptr %slots, ptr %items, i64 %n, ptr %in)
  br i1 %ok, label %go, label %slow
go:
  %values = call ptr @known(ptr %slots, i64 $VALUES)
  call void %values(ptr %in, ptr %out)
  %made = call ptr @PyList_New(i64 %m)
  %none = icmp eq ptr %made, null
  br i1 %none, label %failed, label %fill
fill:
  %places.at = getelementptr i8, ptr %made, i64 $ITEMS
  %places = load ptr, ptr %places.at
  %float64 = call ptr @known(ptr %slots, i64 $NUMPY)
  %full = call ptr @filled(ptr %made, ptr %places, i64 %m, ptr %out, ptr %float64)
  ret ptr %full
failed:
  ret ptr null
slow:
  %python = call ptr @known(ptr %slots, i64 $SLOW)
  %answer = call ptr @PyObject_Vectorcall(ptr %python, ptr %args, i64 %given, ptr %names)
  ret ptr %answer
}

define ptr @call(ptr %self, ptr %args, i64 %given, ptr %names) nounwind {
entry:
  %slots = call ptr @context(ptr %self)
  %n = call i64 @count(ptr %slots, i64 $INPUTS)
  %m = call i64 @count(ptr %slots, i64 $OUTPUTS)
  %unnamed = icmp eq ptr %names, null
  %fits = icmp eq i64 %given, %n
  %usual = and i1 %unnamed, %fits
  br i1 %usual, label %read, label %slow
read:
  %in = alloca double, i64 %n
  %out = alloca double, i64 %m
  %ok = call i1 @unpack(ptr %slots, ptr %args, i64 %n, ptr %in)
  br i1 %ok, label %go, label %slow
go:
  %values = call ptr @known(ptr %slots, i64 $VALUES)
  call void %values(ptr %in, ptr %out)
  %one = icmp eq i64 %m, 1
  br i1 %one, label %single, label %several
single:
  %value = load double, ptr %out
  %number = call ptr @PyFloat_FromDouble(double %value)
  ret ptr %number
several:
  %made = call ptr @PyTuple_New(i64 %m)
  %none = icmp eq ptr %made, null
  br i1 %none, label %failed, label %fill
fill:
  %places = getelementptr i8, ptr %made, i64 $FIRST
  %full = call ptr @filled(ptr %made, ptr %places, i64 %m, ptr %out, ptr null)
  ret ptr %full
failed:
  ret ptr null
slow:
  %python = call ptr @known(ptr %slots, i64 $SLOW)
  %answer = call ptr @PyObject_Vectorcall(ptr %python, ptr %args, i64 %given, ptr %names)
  ret ptr %answer
}

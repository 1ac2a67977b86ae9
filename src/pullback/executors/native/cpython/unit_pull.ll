; Going back through Units in one pass: the youngest gate first, by then all that pulls on it is known.
;
; Gates that were met wait in a window of places by age (births since the root's); those too old for it wait
; in a list until the window moves on to the oldest but them. Nothing here calls Python.

declare ptr @PyErr_NoMemory()
declare ptr @PyMem_RawCalloc(i64, i64)
declare ptr @PyMem_RawRealloc(ptr, i64)
declare void @PyMem_RawFree(ptr)

%List = type { ptr, i64, i64 }                  ; pairs of 8 bytes: where they are, how many, room for how many
@window = internal global ptr null              ; WINDOW places, all null between calls
@base = internal global i64 0                   ; the age of its first place
@root = internal global i64 0                   ; when the root was born
@old = internal global %List zeroinitializer    ; gates older than the window
@leaves = internal global %List zeroinitializer ; what keeps a mark until the end, each with its grad before
@waiting = internal global i64 0                ; gates met and not yet gone through
@failed = internal global i1 false
@sink = internal global [128 x i8] zeroinitializer  ; takes the pulls on constants

define internal i1 @push(ptr %list, ptr %x, double %number) alwaysinline nounwind {
entry:
  %count.at = getelementptr %List, ptr %list, i64 0, i32 1
  %room.at = getelementptr %List, ptr %list, i64 0, i32 2
  %n = load i64, ptr %count.at
  %room = load i64, ptr %room.at
  %full = icmp uge i64 %n, %room
  br i1 %full, label %grow, label %put
grow:
  %grown = call i1 @grow(ptr %list)
  br i1 %grown, label %put, label %lost
lost:
  store i1 true, ptr @failed
  ret i1 false
put:
  %items = load ptr, ptr %list
  %at = getelementptr [2 x i64], ptr %items, i64 %n
  store ptr %x, ptr %at
  %number.at = getelementptr i8, ptr %at, i64 8
  store double %number, ptr %number.at
  %up = add i64 %n, 1
  store i64 %up, ptr %count.at
  ret i1 true
}
define internal i1 @grow(ptr %list) noinline nounwind {
entry:
  %room.at = getelementptr %List, ptr %list, i64 0, i32 2
  %room = load i64, ptr %room.at
  %twice = mul i64 %room, 2
  %more = add i64 %twice, 256
  %bytes = mul i64 %more, 16
  %items = load ptr, ptr %list
  %larger = call ptr @PyMem_RawRealloc(ptr %items, i64 %bytes)
  %none = icmp eq ptr %larger, null
  br i1 %none, label %no, label %yes
no:
  ret i1 false
yes:
  store ptr %larger, ptr %list
  store i64 %more, ptr %room.at
  ret i1 true
}
; Forget what is in a list; give its memory back if it is large.
define internal void @empty(ptr %list) nounwind {
entry:
  %count.at = getelementptr %List, ptr %list, i64 0, i32 1
  store i64 0, ptr %count.at
  %room.at = getelementptr %List, ptr %list, i64 0, i32 2
  %room = load i64, ptr %room.at
  %large = icmp ugt i64 %room, $SPARE
  br i1 %large, label %free, label %out
free:
  %items = load ptr, ptr %list
  call void @PyMem_RawFree(ptr %items)
  store ptr null, ptr %list
  store i64 0, ptr %room.at
  br label %out
out:
  ret void
}

; A gate takes its place by age.
define internal i1 @line_up(ptr %x, i64 %w) alwaysinline nounwind {
entry:
  %root = load i64, ptr @root
  %base = load i64, ptr @base
  %time = lshr i64 %w, 16
  %age = sub i64 %root, %time
  %place = sub i64 %age, %base
  %inside = icmp ult i64 %place, $WINDOW
  br i1 %inside, label %put, label %later
put:
  %window = load ptr, ptr @window
  %at = getelementptr ptr, ptr %window, i64 %place
  store ptr %x, ptr %at
  ret i1 true
later:
  %kept = call i1 @push(ptr @old, ptr %x, double 0.0)
  ret i1 %kept
}

; Take note of %x if it was not met yet. Its new grad begins at -0, the one number that changes nothing
; it is added to; the one before is kept where it may be wanted.
define internal void @meet(ptr %x) alwaysinline nounwind {
entry:
  %w = call i64 @word(ptr %x)
  %seen = and i64 %w, $SEEN
  %new = icmp eq i64 %seen, 0
  br i1 %new, label %look, label %out
look:
  %op = and i64 %w, 255
  %is.leaf = icmp eq i64 %op, 0
  %has = and i64 %w, $HAS
  %had = icmp ne i64 %has, 0
  %noted = or i1 %is.leaf, %had
  br i1 %noted, label %note, label %gate.then
note:
  %g = call double @grad(ptr %x)
  %ok = call i1 @push(ptr @leaves, ptr %x, double %g)
  br i1 %ok, label %gate.then, label %out
gate.then:
  br i1 %is.leaf, label %mark, label %queue
queue:
  %lined = call i1 @line_up(ptr %x, i64 %w)
  br i1 %lined, label %count, label %out
count:
  %n = load i64, ptr @waiting
  %n.up = add i64 %n, 1
  store i64 %n.up, ptr @waiting
  br label %mark
mark:
  %grad.at = call ptr @at(ptr %x, i64 $GRAD)
  store double -0.0, ptr %grad.at
  %had.bit = shl i64 %has, 2
  %unpulled = and i64 %w, $NOT_HAS
  %remembering = or i64 %unpulled, %had.bit
  %marked = or i64 %remembering, $SEEN
  call void @set_word(ptr %x, i64 %marked)
  br label %out
out:
  ret void
}

; Move the window to the youngest gate that waits in the list, and let in all that fit.
define internal void @move_on() noinline nounwind {
entry:
  %items = load ptr, ptr @old
  %n = load i64, ptr getelementptr (%List, ptr @old, i64 0, i32 1)
  %root = load i64, ptr @root
  %window = load ptr, ptr @window
  br label %seek
seek:
  %i = phi i64 [0, %entry], [%i.up, %seek]
  %least = phi i64 [-1, %entry], [%lower, %seek]
  %i.at = getelementptr [2 x i64], ptr %items, i64 %i
  %i.x = load ptr, ptr %i.at
  %i.w = call i64 @word(ptr %i.x)
  %i.time = lshr i64 %i.w, 16
  %i.age = sub i64 %root, %i.time
  %is.lower = icmp ult i64 %i.age, %least
  %lower = select i1 %is.lower, i64 %i.age, i64 %least
  %i.up = add i64 %i, 1
  %i.end = icmp eq i64 %i.up, %n
  br i1 %i.end, label %let, label %seek
let:
  store i64 %lower, ptr @base
  br label %next
next:
  %j = phi i64 [0, %let], [%j.up, %gone]
  %kept = phi i64 [0, %let], [%kept.up, %gone]
  %j.at = getelementptr [2 x i64], ptr %items, i64 %j
  %x = load ptr, ptr %j.at
  %w = call i64 @word(ptr %x)
  %time = lshr i64 %w, 16
  %age = sub i64 %root, %time
  %place = sub i64 %age, %lower
  %inside = icmp ult i64 %place, $WINDOW
  br i1 %inside, label %enter, label %stay
enter:
  %at = getelementptr ptr, ptr %window, i64 %place
  store ptr %x, ptr %at
  br label %gone
stay:
  %to = getelementptr [2 x i64], ptr %items, i64 %kept
  store ptr %x, ptr %to
  %kept.more = add i64 %kept, 1
  br label %gone
gone:
  %kept.up = phi i64 [%kept, %enter], [%kept.more, %stay]
  %j.up = add i64 %j, 1
  %j.end = icmp eq i64 %j.up, %n
  br i1 %j.end, label %out, label %next
out:
  store i64 %kept.up, ptr getelementptr (%List, ptr @old, i64 0, i32 1)
  ret void
}

; pull(self, force, accumulate): every Unit that self was made from gets its grad.
define ptr @pull(ptr %self, ptr %args, i64 %given) nounwind {
entry:
  %two = icmp eq i64 %given, 2
  br i1 %two, label %read, label %wrong
wrong:
  %no = call ptr @misuse()
  ret ptr %no
read:
  %force.x = load ptr, ptr %args
  %number = call i1 @is_float(ptr %force.x)
  br i1 %number, label %take, label %wrong
take:
  %force = call double @value(ptr %force.x)
  %add.at = getelementptr ptr, ptr %args, i64 1
  %add.x = load ptr, ptr %add.at
  %adding = call i1 @is_known(ptr %add.x, i64 $TRUE)
  %there = load ptr, ptr @window
  %fresh = icmp eq ptr %there, null
  br i1 %fresh, label %make, label %start
make:
  %places = add i64 $WINDOW, $AHEAD  ; the last ones stay empty, for who looks ahead
  %made = call ptr @PyMem_RawCalloc(i64 %places, i64 8)
  store ptr %made, ptr @window
  %none = icmp eq ptr %made, null
  br i1 %none, label %badly, label %start
start:
  %window = load ptr, ptr @window
  %self.w = call i64 @word(ptr %self)
  %self.time = lshr i64 %self.w, 16
  store i64 %self.time, ptr @root
  store i64 0, ptr @base
  store i64 0, ptr @waiting
  store i1 false, ptr @failed
  call void @meet(ptr %self)
  call void @give(ptr %self, double %force, i64 0)
  br label %more.then
more.then:
  %s = phi i64 [0, %start], [%s.next, %through], [0, %moved]
  %left = load i64, ptr @waiting
  %done = icmp eq i64 %left, 0
  %lost = load i1, ptr @failed
  %stop = or i1 %done, %lost
  br i1 %stop, label %finish, label %find
find:
  %t = phi i64 [%s, %more.then], [%t.up, %skip]
  %beyond = icmp eq i64 %t, $WINDOW
  br i1 %beyond, label %moved, label %look
look:
  %at = getelementptr ptr, ptr %window, i64 %t
  %g = load ptr, ptr %at
  %gap = icmp eq ptr %g, null
  br i1 %gap, label %skip, label %go
skip:
  %t.up = add i64 %t, 1
  br label %find
moved:
  call void @move_on()
  br label %more.then
go:
  store ptr null, ptr %at
  %fewer = sub i64 %left, 1
  store i64 %fewer, ptr @waiting
  %s.next = add i64 %t, 1
  ; what a gate to come was made of is fetched meanwhile
  %soon.at = getelementptr ptr, ptr %at, i64 $AHEAD
  %soon = load ptr, ptr %soon.at
  %unknown = icmp eq ptr %soon, null
  %asked = select i1 %unknown, ptr %g, ptr %soon
  %soon.a = call ptr @field(ptr %asked, i64 $A)
  call void @llvm.prefetch.p0(ptr %soon.a, i32 1, i32 3, i32 1)
  %soon.b = call ptr @field(ptr %asked, i64 $B)
  call void @llvm.prefetch.p0(ptr %soon.b, i32 1, i32 3, i32 1)
  %w = call i64 @word(ptr %g)
  %unseen = and i64 %w, $NOT_SEEN
  call void @set_word(ptr %g, i64 %unseen)
  %fa = and i64 %w, $A_UNIT
  %has.a = icmp ne i64 %fa, 0
  br i1 %has.a, label %meet.a, label %b.too
meet.a:
  %a = call ptr @field(ptr %g, i64 $A)
  call void @meet(ptr %a)
  br label %b.too
b.too:
  %fb = and i64 %w, $B_UNIT
  %has.b = icmp ne i64 %fb, 0
  br i1 %has.b, label %meet.b, label %pulled.then
meet.b:
  %b = call ptr @field(ptr %g, i64 $B)
  call void @meet(ptr %b)
  br label %pulled.then
pulled.then:
  %has = and i64 %w, $HAS
  %still = icmp eq i64 %has, 0
  br i1 %still, label %through, label %step
step:
  call void @step(ptr %g, i64 %w)
  br label %through
through:
  br label %more.then
finish:
  call void @finish(i1 %adding)
  %bad = load i1, ptr @failed
  br i1 %bad, label %clear, label %well
clear:
  call void @clear()
  br label %badly
badly:
  %e = call ptr @PyErr_NoMemory()
  ret ptr null
well:
  call void @empty(ptr @old)
  %o = call ptr @new(i64 $NONE)
  ret ptr %o
}

; Take the marks away; with %adding the grads before are added to the new ones.
define internal void @finish(i1 %adding) noinline nounwind {
entry:
  %items = load ptr, ptr @leaves
  %n = load i64, ptr getelementptr (%List, ptr @leaves, i64 0, i32 1)
  %nothing = icmp eq i64 %n, 0
  br i1 %nothing, label %out, label %next
next:
  %f = phi i64 [0, %entry], [%f.up, %done]
  %at = getelementptr [2 x i64], ptr %items, i64 %f
  %x = load ptr, ptr %at
  %w = call i64 @word(ptr %x)
  %plain = and i64 %w, $NOT_MET
  call void @set_word(ptr %x, i64 %plain)
  %had = and i64 %w, $HAD
  %before = icmp ne i64 %had, 0
  %both = and i1 %adding, %before
  br i1 %both, label %add, label %done
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
  call void @empty(ptr @leaves)
  ret void
}

; Without memory: whoever still waits forgets that it was met.
define internal void @clear() noinline nounwind {
entry:
  %window = load ptr, ptr @window
  br label %next
next:
  %i = phi i64 [0, %entry], [%up, %done]
  %at = getelementptr ptr, ptr %window, i64 %i
  %x = load ptr, ptr %at
  %gap = icmp eq ptr %x, null
  br i1 %gap, label %done, label %unmark
unmark:
  call void @forget(ptr %x)
  store ptr null, ptr %at
  br label %done
done:
  %up = add i64 %i, 1
  %end = icmp eq i64 %up, $WINDOW
  br i1 %end, label %list.too, label %next
list.too:
  %n = load i64, ptr getelementptr (%List, ptr @old, i64 0, i32 1)
  %nothing = icmp eq i64 %n, 0
  br i1 %nothing, label %out, label %old
old:
  %j = phi i64 [0, %list.too], [%j.up, %old]
  %items = load ptr, ptr @old
  %j.at = getelementptr [2 x i64], ptr %items, i64 %j
  %y = load ptr, ptr %j.at
  call void @forget(ptr %y)
  %j.up = add i64 %j, 1
  %j.end = icmp eq i64 %j.up, %n
  br i1 %j.end, label %out, label %old
out:
  call void @empty(ptr @old)
  ret void
}
define internal void @forget(ptr %x) alwaysinline nounwind {
  %w = call i64 @word(ptr %x)
  %plain = and i64 %w, $NOT_MET
  call void @set_word(ptr %x, i64 %plain)
  ret void
}

; %mark: $UNDER for what lies below a gate that chooses.
define internal void @give(ptr %x, double %pull, i64 %mark) alwaysinline nounwind {
  %at = call ptr @at(ptr %x, i64 $GRAD)
  %g = load double, ptr %at
  %sum = fadd double %g, %pull
  store double %sum, ptr %at
  %w = call i64 @word(ptr %x)
  %has = or i64 %w, $HAS
  %with = or i64 %has, %mark
  call void @set_word(ptr %x, i64 %with)
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

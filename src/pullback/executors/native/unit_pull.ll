; Going back through Units: who was met, in which order of birth, and each gate's pulls given on.
; Working memory is kept between calls while it is small; nothing here calls Python.

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

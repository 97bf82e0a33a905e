package keys

// sieve are the entries that a cache keeps, in bounded memory. Who uses them holds the cache's lock.
//
// Which of them goes when room is needed is decided by SIEVE (Zhang et al., NSDI 2024): a hand goes from the oldest
// to the newest, passes over what was visited since it last came by, and takes the first that was not. So keys that
// are shown once push out each other and not those that are shown again and again.
type sieve struct {
	max, bytes int64
	found      *digestIndex
	part       func(*entry) // hears of each entry that goes
	byRef      map[Ref]*cachedRecord
	newest     *cachedRecord // and from there by older
	oldest     *cachedRecord
	hand       *cachedRecord // nil: at the oldest
}

// A cachedRecord is a record's place: its current value's entry, and its previous value's, as far as they were asked
// for. They may be of different generations.
type cachedRecord struct {
	ref          Ref
	entries      [2]*indexed
	bytes        int64
	newer, older *cachedRecord
}

// What a record takes besides its texts and lists: itself (480 bytes), its place, up to four slots of the index, and
// its share of byRef, as measured. The second is for each entry.
const (
	recordBytes = 800
	entryBytes  = 196
)

func (s *sieve) init(max int64, found *digestIndex, part func(*entry)) {
	s.max, s.found, s.part = max, found, part
	s.byRef = map[Ref]*cachedRecord{}
}

// sizeOf estimates what keeping e takes.
func sizeOf(e *indexed) int64 {
	r := e.rec
	n := entryBytes
	for _, text := range [...]string{r.ID, r.Space, r.Name, r.UserID, r.Role, r.ForeignID, r.Hint, r.CreatedBy,
		string(r.Kind), r.Digest.raw().algorithm, r.Previous.raw().algorithm} {
		n += allocated(len(text))
	}
	n += allocated(16*cap(r.Scopes)) + allocated(32*cap(r.AllowedIPs))
	for _, scope := range r.Scopes {
		n += allocated(len(scope))
	}
	return int64(n)
}

// allocated is about what n bytes take as memory is dealt out.
func allocated(n int) int {
	if n == 0 {
		return 0
	}
	return n + n/8 + 8
}

// add keeps e in place of the entry that its record had for a value of its kind, if there is room.
func (s *sieve) add(e *indexed) {
	ref, i := Ref{e.rec.Space, e.rec.ID}, e.place()
	size := sizeOf(e)
	if size+recordBytes > s.max {
		return // it alone is too much, and is worth none of the others
	}
	for s.bytes+size+recordBytes > s.max {
		s.evict()
	}
	p := s.byRef[ref]
	if p == nil {
		p = &cachedRecord{ref: ref, bytes: recordBytes}
		s.bytes += p.bytes
		s.byRef[ref] = p
		s.push(p)
	} else if old := p.entries[i]; old != nil {
		s.leave(p, old)
	}
	e.shared = true
	p.entries[i] = e
	p.bytes += size
	s.bytes += size
	s.found.put(e)
}

// leave makes e's digest lead nowhere, unless it leads to another by now.
func (s *sieve) leave(p *cachedRecord, e *indexed) {
	size := sizeOf(e)
	p.bytes -= size
	s.bytes -= size
	if s.found.get(e.space, &e.by) == e {
		s.found.remove(e.space, &e.by)
	}
	s.part(&e.entry)
}

// drop forgets a record.
func (s *sieve) drop(ref Ref) {
	if p := s.byRef[ref]; p != nil {
		s.remove(p)
	}
}

func (s *sieve) remove(p *cachedRecord) {
	for _, e := range p.entries {
		if e != nil {
			s.leave(p, e)
		}
	}
	s.bytes -= p.bytes
	delete(s.byRef, p.ref)
	if s.hand == p {
		s.hand = p.newer
	}
	if p.newer != nil {
		p.newer.older = p.older
	} else {
		s.newest = p.older
	}
	if p.older != nil {
		p.older.newer = p.newer
	} else {
		s.oldest = p.newer
	}
}

func (s *sieve) push(p *cachedRecord) {
	p.older = s.newest
	if s.newest != nil {
		s.newest.newer = p
	} else {
		s.oldest = p
	}
	s.newest = p
}

// evict lets one record go.
func (s *sieve) evict() {
	for {
		p := s.hand
		if p == nil {
			p = s.oldest
		}
		if !p.visited() {
			s.remove(p) // which moves the hand on if it is there
			return
		}
		s.hand = p.newer
	}
}

// visited reports whether p was found since it was last asked, and forgets it.
func (p *cachedRecord) visited() bool {
	yes := false
	for _, e := range p.entries {
		if e != nil && e.visited.Load() {
			e.visited.Store(false)
			yes = true
		}
	}
	return yes
}

// clear forgets all.
func (s *sieve) clear() {
	for p := s.newest; p != nil; p = p.older {
		for _, e := range p.entries {
			if e != nil {
				s.part(&e.entry)
			}
		}
	}
	s.found.clear()
	s.byRef = map[Ref]*cachedRecord{}
	s.bytes, s.newest, s.oldest, s.hand = 0, nil, nil, nil
}

package keys

// A sieve holds cached records in bounded memory. The follower's lock guards it.
//
// It evicts by SIEVE (Zhang et al., NSDI 2024): a hand moves from the oldest record to the newest, skips those that were
// visited since it last passed them, and evicts the first that was not. So keys that are used once evict each other, and
// not those that are used often.
type sieve struct {
	max, bytes int64
	found      *digestIndex
	evicted    func(*entry) // called with each entry that is removed
	byRef      map[Ref]*cachedRecord
	newest     *cachedRecord // the others follow by older
	oldest     *cachedRecord
	hand       *cachedRecord // nil: at the oldest
}

// A cachedRecord has the entries of a record's current value and of its previous one, if they were looked up. They may be
// of different generations.
type cachedRecord struct {
	ref          Ref
	entries      [2]*indexed
	bytes        int64
	newer, older *cachedRecord
}

// Measured sizes, besides texts and lists. recordBytes is for the Record itself (480 bytes), its cachedRecord, up to four
// slots of the index, and its share of byRef. entryBytes is for each entry.
const (
	recordBytes = 800
	entryBytes  = 196
)

func (s *sieve) init(max int64, found *digestIndex, evicted func(*entry)) {
	s.max, s.found, s.evicted = max, found, evicted
	s.byRef = map[Ref]*cachedRecord{}
}

// sizeOf estimates the memory that e takes.
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

// allocated estimates the memory that the allocator uses for n bytes.
func allocated(n int) int {
	if n == 0 {
		return 0
	}
	return n + n/8 + 8
}

// add puts e in place of its record's entry for the same value, current or previous. It evicts others to make room.
func (s *sieve) add(e *indexed) {
	ref, i := Ref{e.rec.Space, e.rec.ID}, e.slot()
	size := sizeOf(e)
	if size+recordBytes > s.max {
		return // it does not fit, even alone
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
		s.unindex(p, old)
	}
	e.shared = true
	p.entries[i] = e
	p.bytes += size
	s.bytes += size
	s.found.put(e)
}

// unindex removes e from the index, unless another entry has its digest now.
func (s *sieve) unindex(p *cachedRecord, e *indexed) {
	size := sizeOf(e)
	p.bytes -= size
	s.bytes -= size
	if s.found.get(e.space, &e.by) == e {
		s.found.remove(e.space, &e.by)
	}
	s.evicted(&e.entry)
}

// drop removes the record of ref, if it is cached.
func (s *sieve) drop(ref Ref) {
	if p := s.byRef[ref]; p != nil {
		s.remove(p)
	}
}

func (s *sieve) remove(p *cachedRecord) {
	for _, e := range p.entries {
		if e != nil {
			s.unindex(p, e)
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

// evict removes one record.
func (s *sieve) evict() {
	for {
		p := s.hand
		if p == nil {
			p = s.oldest
		}
		if !p.visited() {
			s.remove(p) // this also moves the hand
			return
		}
		s.hand = p.newer
	}
}

// visited reports whether p was found since the last call, and resets that.
func (p *cachedRecord) visited() bool {
	found := false
	for _, e := range p.entries {
		if e != nil && e.visited.Load() {
			e.visited.Store(false)
			found = true
		}
	}
	return found
}

// clear removes all records.
func (s *sieve) clear() {
	for p := s.newest; p != nil; p = p.older {
		for _, e := range p.entries {
			if e != nil {
				s.evicted(&e.entry)
			}
		}
	}
	s.found.clear()
	s.byRef = map[Ref]*cachedRecord{}
	s.bytes, s.newest, s.oldest, s.hand = 0, nil, nil, nil
}

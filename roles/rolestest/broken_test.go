package rolestest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/roles"
)

// A store is a memory store of which single methods are replaced.
type store struct {
	memory   *roles.MemoryStore
	load     func(ctx context.Context) ([]roles.Role, roles.Revision, error)
	revision func(ctx context.Context) (roles.Revision, error)
	save     func(ctx context.Context, role roles.Role, revision roles.Revision) error
	delete   func(ctx context.Context, appid string, revision roles.Revision) error
}

func (s *store) Load(ctx context.Context) ([]roles.Role, roles.Revision, error) { return s.load(ctx) }

func (s *store) Revision(ctx context.Context) (roles.Revision, error) { return s.revision(ctx) }

func (s *store) Save(ctx context.Context, role roles.Role, revision roles.Revision) error {
	return s.save(ctx, role, revision)
}

func (s *store) Delete(ctx context.Context, appid string, revision roles.Revision) error {
	return s.delete(ctx, appid, revision)
}

// saving changes each role on its way into the store, loading all roles on their way out.
func saving(change func(s *store, r *roles.Role)) func(*store) {
	return func(s *store) {
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			change(s, &role)
			return s.memory.Save(ctx, role, revision)
		}
	}
}

func loading(change func(rs []roles.Role)) func(*store) {
	return func(s *store) {
		s.load = func(ctx context.Context) ([]roles.Role, roles.Revision, error) {
			rs, revision, err := s.memory.Load(ctx)
			change(rs)
			return rs, revision, err
		}
	}
}

// spelling changes appids on their way in, as a collation does.
func spelling(change func(string) string) func(*store) {
	return func(s *store) {
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			role.AppID = change(role.AppID)
			return s.memory.Save(ctx, role, revision)
		}
		s.delete = func(ctx context.Context, appid string, revision roles.Revision) error {
			return s.memory.Delete(ctx, change(appid), revision)
		}
	}
}

func (s *store) has(appid string) (roles.Role, bool) {
	rs, _, _ := s.memory.Load(context.Background())
	i := slices.IndexFunc(rs, func(r roles.Role) bool { return r.AppID == appid })
	if i < 0 {
		return roles.Role{}, false
	}
	return rs[i], true
}

func (s *store) now() roles.Revision {
	revision, _ := s.memory.Revision(context.Background())
	return revision
}

// anyway repeats a change for the current revision until it is done.
func (s *store) anyway(change func(revision roles.Revision) error) error {
	for {
		if err := change(s.now()); !errors.Is(err, roles.ErrConflict) {
			return err
		}
	}
}

var broken = map[string]func(*store){
	"a new store has no roles and no error": func(s *store) {
		var touched atomic.Bool // the first thing asked is Load
		revision := s.revision
		s.revision = func(ctx context.Context) (roles.Revision, error) { touched.Store(true); return revision(ctx) }
		s.load = func(ctx context.Context) ([]roles.Role, roles.Revision, error) {
			rs, revision, err := s.memory.Load(ctx)
			if err == nil && !touched.Load() {
				err = errors.New("no rows")
			}
			return rs, revision, err
		}
	},
	"what was saved is loaded, every field of it": loading(func(rs []roles.Role) {
		if len(rs) == 2 && rs[0].Name+rs[1].Name == "Name of editor" {
			rs[0].Info, rs[1].Info = "", ""
		}
	}),
	"texts in any script come back as they were": saving(func(_ *store, r *roles.Role) {
		r.Name = strings.Map(func(c rune) rune { return min(c, '\u007f') }, r.Name)
	}),
	"nil and empty permissions are the same": saving(func(_ *store, r *roles.Role) {
		if r.Permissions != nil && len(r.Permissions) == 0 {
			r.Permissions = roles.Grants{"": false}
		}
	}),
	"nil and empty inherits are the same": saving(func(_ *store, r *roles.Role) {
		if r.Inherits != nil {
			r.Inherits = strings.Split(strings.Join(r.Inherits, ","), ",")
		}
	}),
	"inherits keep their order": loading(func(rs []roles.Role) {
		for _, r := range rs {
			slices.Sort(r.Inherits)
		}
	}),
	"a denied grant stays denied": saving(func(_ *store, r *roles.Role) {
		r.Permissions = maps.Clone(r.Permissions)
		maps.DeleteFunc(r.Permissions, func(_ string, allowed bool) bool { return !allowed })
	}),
	"the store judges nothing": func(s *store) {
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			if slices.Contains(role.Inherits, role.AppID) {
				return errors.New("this role inherits from itself")
			}
			return s.memory.Save(ctx, role, revision)
		}
	},
	"saving an appid that is there replaces the whole role": saving(func(s *store, r *roles.Role) {
		if old, there := s.has(r.AppID); there {
			for grant, allowed := range r.Permissions {
				old.Permissions[grant] = allowed
			}
			r.Permissions = old.Permissions
		}
	}),
	"deleting drops the role and no other": func(s *store) {
		s.delete = func(ctx context.Context, appid string, revision roles.Revision) error {
			err := s.memory.Delete(ctx, appid, revision)
			if err == nil {
				_ = s.memory.Delete(ctx, "viewer", s.now())
			}
			return err
		}
	},
	"deleting a role that is not there is ErrNotFound": func(s *store) {
		s.delete = func(ctx context.Context, appid string, revision roles.Revision) error {
			err := s.memory.Delete(ctx, appid, revision)
			if errors.Is(err, roles.ErrNotFound) {
				return nil
			}
			return err
		}
	},
	"a role that was deleted can be saved again": func(s *store) {
		buried := ""
		s.delete = func(ctx context.Context, appid string, revision roles.Revision) error {
			err := s.memory.Delete(ctx, appid, revision)
			if err == nil && appid == "editor" {
				buried = appid
			}
			return err
		}
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			if role.AppID == buried {
				role.AppID = "grave of " + buried
			}
			return s.memory.Save(ctx, role, revision)
		}
	},
	"appids that differ in case are different":           spelling(strings.ToLower),
	"appids that differ in trailing space are different": spelling(func(s string) string { return strings.TrimRight(s, " ") }),
	"grants that differ in case or trailing space are different": saving(func(_ *store, r *roles.Role) {
		folded := roles.Grants{}
		for grant, allowed := range r.Permissions {
			folded[strings.ToLower(strings.TrimRight(grant, " "))] = allowed
		}
		r.Permissions = folded
	}),
	"every change makes the revision grow": func(s *store) {
		var uncounted uint64 // a role without a name replaces one: not counted
		s.revision = func(ctx context.Context) (roles.Revision, error) {
			revision, err := s.memory.Revision(ctx)
			revision.Number -= uncounted
			return revision, err
		}
		s.load = func(ctx context.Context) ([]roles.Role, roles.Revision, error) {
			rs, revision, err := s.memory.Load(ctx)
			revision.Number -= uncounted
			return rs, revision, err
		}
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			_, there := s.has(role.AppID)
			revision.Number += uncounted
			err := s.memory.Save(ctx, role, revision)
			if err == nil && there && role.Name == "" {
				uncounted++
			}
			return err
		}
		s.delete = func(ctx context.Context, appid string, revision roles.Revision) error {
			revision.Number += uncounted
			return s.memory.Delete(ctx, appid, revision)
		}
	},
	"every change has a tag of its own": func(s *store) {
		bare := func(r roles.Revision) roles.Revision { return roles.Revision{Number: r.Number} }
		inner := func(r roles.Revision) roles.Revision {
			if now := s.now(); r == bare(now) {
				return now
			}
			return r
		}
		s.revision = func(ctx context.Context) (roles.Revision, error) {
			revision, err := s.memory.Revision(ctx)
			return bare(revision), err
		}
		s.load = func(ctx context.Context) ([]roles.Role, roles.Revision, error) {
			rs, revision, err := s.memory.Load(ctx)
			return rs, bare(revision), err
		}
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			return s.memory.Save(ctx, role, inner(revision))
		}
		s.delete = func(ctx context.Context, appid string, revision roles.Revision) error {
			return s.memory.Delete(ctx, appid, inner(revision))
		}
	},
	"a change for a revision with another tag is ErrConflict and stores nothing": func(s *store) {
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			if now := s.now(); revision.Number == now.Number { // the numbers are compared
				revision = now
			}
			return s.memory.Save(ctx, role, revision)
		}
	},
	"Load and Revision tell the same revision": func(s *store) {
		s.load = func(ctx context.Context) ([]roles.Role, roles.Revision, error) {
			rs, revision, err := s.memory.Load(ctx)
			revision.Number++
			return rs, revision, err
		}
	},
	"saving for an older revision is ErrConflict and stores nothing": func(s *store) {
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			if _, there := s.has(role.AppID); !there && revision.Number < s.now().Number { // INSERT forgets the condition
				revision = s.now()
			}
			return s.memory.Save(ctx, role, revision)
		}
	},
	"saving for a revision to come is ErrConflict and stores nothing": func(s *store) {
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			if now := s.now(); revision.Number > now.Number {
				revision = now
			}
			return s.memory.Save(ctx, role, revision)
		}
	},
	"deleting for an older revision is ErrConflict and deletes nothing": func(s *store) {
		var mu sync.Mutex
		var latest roles.Revision // only other deletes are minded
		s.delete = func(ctx context.Context, appid string, revision roles.Revision) error {
			mu.Lock()
			defer mu.Unlock()
			if now := s.now(); revision.Number >= latest.Number && (revision.Number != now.Number || revision == now) {
				revision = s.now()
			}
			err := s.memory.Delete(ctx, appid, revision)
			if err == nil {
				latest = s.now()
			}
			return err
		}
	},
	"of concurrent saves for one revision exactly one succeeds": func(s *store) {
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			if s.now() != revision || ctx.Err() != nil {
				return s.memory.Save(ctx, role, revision)
			}
			time.Sleep(time.Millisecond) // checked first, written later
			return s.anyway(func(revision roles.Revision) error { return s.memory.Save(ctx, role, revision) })
		}
	},
	"of concurrent deletes for one revision exactly one succeeds": func(s *store) {
		s.delete = func(ctx context.Context, appid string, revision roles.Revision) error {
			if s.now() != revision || ctx.Err() != nil {
				return s.memory.Delete(ctx, appid, revision)
			}
			time.Sleep(time.Millisecond)
			return s.anyway(func(revision roles.Revision) error { return s.memory.Delete(ctx, appid, revision) })
		}
	},
	"a load is one snapshot": func(s *store) {
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			if role.AppID == "first" || role.AppID == "second" {
				time.Sleep(100 * time.Microsecond)
			}
			return s.memory.Save(ctx, role, revision)
		}
		s.load = func(ctx context.Context) ([]roles.Role, roles.Revision, error) {
			early, _, err := s.memory.Load(ctx)
			if err != nil || len(early) != 2 || early[0].AppID+early[1].AppID != "firstsecond" && early[0].AppID+early[1].AppID != "secondfirst" {
				return s.memory.Load(ctx)
			}
			time.Sleep(2 * time.Millisecond)
			late, revision, err := s.memory.Load(ctx)
			for i := range late { // a query for each role
				if late[i].AppID == "first" {
					late[i] = early[slices.IndexFunc(early, func(r roles.Role) bool { return r.AppID == "first" })]
				}
			}
			return late, revision, err
		}
	},
	"the store keeps a copy of what it is given": func(s *store) {
		var mu sync.Mutex
		given := map[string]roles.Role{}
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			mu.Lock()
			defer mu.Unlock()
			err := s.memory.Save(ctx, role, revision)
			if err == nil {
				given[role.AppID] = role
			}
			return err
		}
		s.load = func(ctx context.Context) ([]roles.Role, roles.Revision, error) {
			mu.Lock()
			defer mu.Unlock()
			rs, revision, err := s.memory.Load(ctx)
			for i, r := range rs {
				rs[i].Permissions, rs[i].Inherits = maps.Clone(given[r.AppID].Permissions), slices.Clone(given[r.AppID].Inherits)
			}
			return rs, revision, err
		}
	},
	"the store returns copies": func(s *store) {
		var mu sync.Mutex
		var held []roles.Role
		var heldFor roles.Revision
		s.load = func(ctx context.Context) ([]roles.Role, roles.Revision, error) {
			mu.Lock()
			defer mu.Unlock()
			rs, revision, err := s.memory.Load(ctx)
			if err == nil && (held == nil || heldFor != revision) {
				held, heldFor = rs, revision
			}
			return held, revision, err
		}
	},
	"a context that is done stops Load": func(s *store) {
		s.load = func(ctx context.Context) ([]roles.Role, roles.Revision, error) {
			return s.memory.Load(context.WithoutCancel(ctx))
		}
	},
	"a context that is done stops Revision": func(s *store) {
		s.revision = func(ctx context.Context) (roles.Revision, error) {
			return s.memory.Revision(context.WithoutCancel(ctx))
		}
	},
	"a context that is done stops Save before it begins": func(s *store) {
		s.save = func(ctx context.Context, role roles.Role, revision roles.Revision) error {
			return s.memory.Save(context.WithoutCancel(ctx), role, revision)
		}
	},
	"a context that is done stops Delete before it begins": func(s *store) {
		s.delete = func(ctx context.Context, appid string, revision roles.Revision) error {
			return s.memory.Delete(context.WithoutCancel(ctx), appid, revision)
		}
	},
}

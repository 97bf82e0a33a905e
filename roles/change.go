package roles

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Save stores the role, added or in place of the one with its appid, if all roles still compile with it and it is within
// the bound of [Policy.With]; otherwise nothing is stored and the error holds each [*Problem]. Once Save has returned nil,
// Policy shows the change. If others change roles at the same time it tries again a few times, then returns an error
// wrapping [ErrConflict]. After an error of the store itself it is not known whether the role was stored.
func (d *Directory) Save(ctx context.Context, role Role) error {
	role = role.clone()
	return d.change(ctx, role.AppID,
		func(rs []Role, i int) ([]Role, error) {
			if i < 0 {
				return append(rs, role), nil
			}
			rs[i] = role
			return rs, nil
		},
		func(ctx context.Context, revision Revision) error { return d.store.Save(ctx, role, revision) })
}

// Delete drops a role, in the same way as Save. It returns an error wrapping [ErrNotFound] if there is none
// with this appid. A role that others inherit from cannot be dropped.
func (d *Directory) Delete(ctx context.Context, appid string) error {
	return d.change(ctx, appid,
		func(rs []Role, i int) ([]Role, error) {
			if i < 0 {
				return nil, notFound(appid)
			}
			return slices.Delete(rs, i, i+1), nil
		},
		func(ctx context.Context, revision Revision) error { return d.store.Delete(ctx, appid, revision) })
}

// change loads the roles, alters them, where i is the place of the role in question or -1, and writes the
// change if they compile.
func (d *Directory) change(ctx context.Context, appid string, alter func(rs []Role, i int) ([]Role, error),
	write func(ctx context.Context, revision Revision) error) error {
	if err := d.take(ctx); err != nil {
		return err
	}
	s := d.begin(ctx)
	defer s.leave()
	const tries = 5
	for try := 1; ; try++ {
		snap, err := s.load()
		if err != nil {
			return err
		}
		before, broken := s.good.Recompile(snap.roles...)
		if broken != nil {
			before = s.good // the change may mend them
		}
		i := slices.IndexFunc(snap.roles, func(r Role) bool { return r.AppID == appid })
		rs, err := alter(snap.roles, i)
		if err != nil {
			return err
		}
		p, err := before.update(appid).compile(rs)
		if err != nil {
			return err
		}
		s.loaded = false // whatever comes of it, the revision will have to be asked for again
		written := time.Now()
		_, err = call(s, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, write(ctx, snap.revision)
		})
		if err == nil {
			// The store holds exactly what p was made of at this moment. Its revision is another question, and
			// someone may have changed more since: if it cannot be asked now, the next poll will.
			before := s.good
			s.good, s.broken = p, nil
			s.vouch(p, written)
			s.changed(before, p)
			if err := s.refresh(); err != nil {
				s.tell(err)
			}
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if try == tries {
			return fmt.Errorf("%w, %d times in a row", err, tries)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("roles: %w", ctx.Err())
		case <-d.life.Done():
			return errClosed
		case <-time.After(rand.N(time.Duration(try) * 5 * time.Millisecond)):
		}
	}
}

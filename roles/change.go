package roles

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/internal/fresh"
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

// Delete drops a role, in the same way as Save. It returns an error wrapping [ErrNotFound] if there is none with this
// appid. A role that others inherit from cannot be dropped.
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

// change loads the roles, alters them, where i is the place of the role in question or -1, and writes the change if they
// compile. Changes through this directory take turns.
func (d *Directory) change(ctx context.Context, appid string, alter func(rs []Role, i int) ([]Role, error),
	write func(ctx context.Context, revision Revision) error) error {
	select {
	case d.saving <- struct{}{}:
		defer func() { <-d.saving }()
	case <-ctx.Done():
		return fmt.Errorf("roles: waiting for another change: %w", ctx.Err())
	case <-d.follower.Life().Done():
		return errClosed
	}
	const tries = 5
	for try := 1; ; try++ {
		if d.follower.Life().Err() != nil {
			return errClosed
		}
		snap, err := d.load(ctx)
		if err != nil {
			return err
		}
		var before *Policy
		d.follower.Locked(func() { before = d.good })
		if p, broken := before.Recompile(snap.roles...); broken == nil { // else the change may mend them
			before = p
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
		began := d.follower.Begin()
		_, err = call(ctx, d, func(ctx context.Context) (struct{}, error) { return struct{}{}, write(ctx, snap.revision) })
		if err == nil {
			d.written(ctx, began, p)
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			d.follower.Invalidate() // it may have been stored: a poll follows
			return err
		}
		if try == tries {
			return fmt.Errorf("%w, %d times in a row", err, tries)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("roles: %w", ctx.Err())
		case <-d.follower.Life().Done():
			return errClosed
		case <-time.After(rand.N(time.Duration(try) * 5 * time.Millisecond)):
		}
	}
}

// written installs p, which a write that began as began has stored, or the newer policy that the next poll loads. If
// neither works, there is no policy until the store answers.
func (d *Directory) written(ctx context.Context, began fresh.Call, p *Policy) {
	var before *Policy
	installed := d.follower.Wrote(began, func(l fresh.Lease) {
		before = d.good
		d.install(p, nil, l)
	})
	if installed {
		d.changed(before, p)
	}
	if err := d.follower.Refresh(ctx); err != nil && !installed {
		d.follower.Locked(func() { d.current.Store(nil) }) // first, since a poll may follow at once
		d.follower.Invalidate()
	}
}

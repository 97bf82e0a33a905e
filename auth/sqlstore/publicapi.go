package sqlstore

import (
	"context"
	"fmt"
	"math"

	"github.com/latchkey-go/latchkey/publicapi"
)

// PublicAPI is the part of a [Store] that keeps the setting of the public API. Its methods use the transaction that
// their context carries; see [Store.InTx].
type PublicAPI struct{ s *Store }

// PublicAPI returns the store of the setting.
func (s *Store) PublicAPI() *PublicAPI { return &PublicAPI{s} }

var _ publicapi.Store = (*PublicAPI)(nil)

// Load implements [publicapi.Store].
func (p *PublicAPI) Load(ctx context.Context) (publicapi.Setting, error) {
	var w [5]any
	found, err := p.s.one(ctx, &p.s.setting, nil, &w[0], &w[1], &w[2], &w[3], &w[4])
	if err != nil {
		return publicapi.Setting{}, storeError(ctx, "load the public API", err)
	}
	c := cells{rest: w[:]}
	setting := publicapi.Setting{
		Role: c.text("role"), ChangedAt: c.time("changed_at"), ChangedBy: c.text("changed_by"),
		Revision: publicapi.Revision{Number: uint64(c.number("revision", 0)), Tag: uint64(c.number("tag", math.MinInt64))},
	}
	if !found {
		c.wrong = "there is none"
	}
	if c.wrong != "" {
		return publicapi.Setting{}, fmt.Errorf("%w: public API: %s", errCorrupt, c.wrong)
	}
	return setting, nil
}

// Save implements [publicapi.Store].
func (p *PublicAPI) Save(ctx context.Context, setting publicapi.Setting) error {
	n, err := p.s.exec(ctx, &p.s.saveSetting, setting.Role, micros(setting.ChangedAt), setting.ChangedBy,
		int64(setting.Revision.Number), int64(setting.Revision.Tag))
	if err == nil && n == 0 {
		return publicapi.ErrConflict
	}
	p.s.changed(ctx)
	return storeError(ctx, "save the public API", err)
}

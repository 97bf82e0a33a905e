package setup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// actor is who made the first changes, in the audit log.
const actor = "setup"

// exposed returns an error unless the public role exists, and all that it allows beyond reading is listed.
func (s *Start) exposed(policy *roles.Policy, catalog *roles.Catalog) error {
	if strings.EqualFold(s.Public, roles.Admin) || !policy.Has(s.Public) {
		return fmt.Errorf("setup: Config.Start.Public: there is no role %q that can be public", s.Public)
	}
	report := publicapi.Exposure(policy, s.Public, catalog, nil)
	if report.Confirm(report.Token, s.PublicWrites) != nil {
		return fmt.Errorf("setup: role %q would let callers without a key change data. If that is wanted, Config.Start.PublicWrites "+
			"has to be exactly %q", s.Public, report.Writes)
	}
	return nil
}

// start fills the parts of an installation that are empty.
func (p *stores) start(ctx context.Context, ring *keys.Ring) error {
	s := &p.config.Start
	if key := s.Key.Reveal(); key != "" && !ring.Format().Valid(key) {
		return errors.New("setup: Config.Start.Key is not a key of this installation: its prefix, length or checksum is wrong. " +
			"The package comment tells how to make one")
	}
	var made keys.Key
	err := p.inTx(ctx, func(ctx context.Context) (err error) {
		if err := p.startRoles(ctx); err != nil {
			return err
		}
		if err := p.startPublic(ctx); err != nil {
			return err
		}
		made, err = p.startKey(ctx, ring)
		return err
	})
	if err == nil && made.Reveal() != "" {
		s.Show(made)
	}
	return err
}

func (p *stores) startRoles(ctx context.Context) error {
	stored, revision, err := p.roles.Load(ctx)
	if err != nil || len(stored) > 0 {
		return err
	}
	for _, role := range p.config.Start.Roles {
		if err := p.roles.Save(ctx, role, revision); err != nil {
			return err
		}
		if revision, err = p.roles.Revision(ctx); err != nil {
			return err
		}
		about := map[string]any{"name": role.Name, "info": role.Info, "permissions": role.Permissions, "inherits": role.Inherits}
		if err := p.record(ctx, "role.create", role.AppID, about); err != nil {
			return err
		}
	}
	return nil
}

func (p *stores) startPublic(ctx context.Context) error {
	s := &p.config.Start
	setting, err := p.public.Load(ctx)
	if err != nil || s.Public == "" || !setting.ChangedAt.IsZero() {
		return err
	}
	stored, _, err := p.roles.Load(ctx)
	if err != nil {
		return err
	}
	policy, err := roles.Compile(stored...)
	if err != nil {
		return err
	}
	if err := s.exposed(policy, p.config.Catalog); err != nil {
		return err
	}
	setting.Role, setting.ChangedAt, setting.ChangedBy = s.Public, time.Now().UTC().Truncate(time.Microsecond), actor
	if err := p.public.Save(ctx, setting); err != nil {
		return err
	}
	return p.record(ctx, "public.set", "public", map[string]any{"role": s.Public})
}

// startKey makes the first key, and returns its value if it has to be shown.
func (p *stores) startKey(ctx context.Context, ring *keys.Ring) (show keys.Key, err error) {
	s := &p.config.Start
	if s.Administrator == "" {
		return keys.Key{}, nil
	}
	some, err := ring.List(ctx, keys.Filter{Limit: 1})
	if err != nil || len(some) > 0 {
		return keys.Key{}, err
	}
	var rec keys.Record
	if s.Key.Reveal() != "" {
		rec, err = ring.Import(ctx, keys.Imported{
			Kind: keys.KindCustom, Text: s.Key, Name: s.Administrator, Role: roles.Admin, CreatedBy: actor,
		})
	} else {
		var issued keys.Issued
		issued, err = ring.IssueCustom(ctx, keys.Custom{Name: s.Administrator, Role: roles.Admin, CreatedBy: actor})
		rec, show = issued.Record, issued.Key
	}
	if err != nil {
		return keys.Key{}, err
	}
	return show, p.record(ctx, "key.create", rec.ID, map[string]any{"kind": "custom", "name": rec.Name, "role": rec.Role, "hint": rec.Hint})
}

func (p *stores) record(ctx context.Context, action, object string, after map[string]any) error {
	r, err := audit.Stamp(audit.Record{Actor: actor, Action: action, Object: object, After: after})
	if err != nil {
		return err
	}
	return p.audit.Append(ctx, r)
}

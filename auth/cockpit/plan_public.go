package cockpit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// planPublic plans the setting of the public API. In doubt the existing setting stays.
func (p *planner) planPublic(ctx context.Context) error {
	d := &p.from.public
	switch {
	case !d.said, d.refused == "" && d.role == "" && p.into.Public == nil:
		return nil
	case d.refused != "":
		p.refuse(&d.head, d.refused)
		return nil
	case p.into.Public == nil:
		p.refuse(&d.head, "the setting is not managed here")
		return nil
	}
	here, err := p.into.Public.Load(ctx)
	if err != nil {
		return err
	}
	if d.role == here.Role {
		reason := ""
		if d.role == "" {
			reason = "closed"
		}
		p.add(&d.head, VerdictUnchanged, nil, reason)
		return nil
	}
	if why := p.notPublic(d.role); why != "" {
		p.refuse(&d.head, why)
		return nil
	}
	save := func(ctx context.Context) error {
		switch revision, err := p.into.Roles.Revision(ctx); {
		case err != nil:
			return err
		case revision != p.revision: // the role may allow more now
			return fmt.Errorf("%w: roles were changed during the import; import again", roles.ErrConflict)
		}
		now := time.Now().UTC().Truncate(time.Microsecond)
		err := p.into.Public.Save(ctx, publicapi.Setting{
			Role: d.role, ChangedAt: now, ChangedBy: p.into.By, Revision: here.Revision,
		})
		if err != nil {
			return err
		}
		action := "public.set"
		if d.role == "" {
			action = "public.close"
		}
		return p.record(ctx, action, "public", map[string]any{"role": here.Role}, map[string]any{"role": d.role})
	}
	if here.Revision == (publicapi.Revision{}) {
		p.add(&d.head, VerdictNew, save)
	} else {
		p.change(&d.head, []string{"role"}, p.into.Overwrite, save)
	}
	return nil
}

// notPublic returns why a role cannot be given to the world, or "".
func (p *planner) notPublic(role string) string {
	switch {
	case role == "":
		return ""
	case strings.EqualFold(role, roles.Admin):
		return "the super role is never public"
	case !p.ours[role]:
		return fmt.Sprintf("there is no role %q", role)
	case slices.Contains(p.wider, role):
		return moreHere
	}
	report := publicapi.Exposure(p.policy, role, p.into.Catalog, nil)
	if report.Confirm(report.Token, p.into.Acknowledge) == nil {
		return ""
	}
	if len(report.Writes) == 0 {
		return "the role changes nothing, and something else is acknowledged"
	}
	return "the role allows more than what the catalog lists as reading, which has to be acknowledged to the letter: " + strings.Join(report.Writes, ", ")
}

const toTheWorld = "the public API here has it, and would allow more than what the catalog lists as reading: that has to be acknowledged to the letter"

// worldGains returns a role that may not be written because the public role here is it, or inherits from it, and could
// do more with it that is not acknowledged; or "".
func (p *planner) worldGains(ctx context.Context, before *roles.Policy, write map[string]roles.Role) (appid string, err error) {
	if p.into.Public == nil || len(write) == 0 {
		return "", nil
	}
	setting, err := p.into.Public.Load(ctx)
	if err != nil {
		return "", err
	}
	public := roles.Rights{Role: setting.Role}
	report := publicapi.Exposure(p.policy, setting.Role, p.into.Catalog, nil)
	if len(report.Writes) == 0 || report.Confirm(report.Token, p.into.Acknowledge) == nil {
		return "", nil
	}
	for _, appid := range p.policy.Lineage(setting.Role) {
		written, ok := write[appid]
		if ok && (len(written.Inherits) > 0 || !before.Covers(public, exactly(written))) {
			return appid, nil
		}
	}
	return "", nil
}

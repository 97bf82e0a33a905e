package publicapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles"
)

// An UnconfirmedError means that a change gives permissions to callers without a key, and was not confirmed against its
// current preview. Nothing was stored.
type UnconfirmedError struct {
	Preview Report // show it, and confirm it with its Token and Writes
}

// Error lists the permissions that can change data.
func (e *UnconfirmedError) Error() string {
	text := fmt.Sprintf("publicapi: role %q was not opened: it needs the token of its current preview", e.Preview.Role)
	if len(e.Preview.Writes) > 0 {
		text += ", and the name of each permission that changes data: " + strings.Join(e.Preview.Writes, ", ")
	}
	return text
}

// Answer says how HTTP answers it; see auth.Guard.Refuse. The answer does not have the preview.
func (e *UnconfirmedError) Answer() (status int, code, detail string) {
	return 409, "conflict", "What this opens to callers without a key was not confirmed."
}

// Confirm returns nil if token is the report's and acknowledged is exactly its list of Writes, in any order. Otherwise it
// returns an *[UnconfirmedError] with the report.
func (r Report) Confirm(token string, acknowledged []string) error {
	set := func(s []string) []string { return slices.Compact(slices.Sorted(slices.Values(s))) }
	if token == r.Token && slices.Equal(set(r.Writes), set(acknowledged)) {
		return nil
	}
	return &UnconfirmedError{r}
}

// Preview reports what callers without a key could do if appid were the public role. Its Token depends on the role's grants,
// including inherited ones, the setting, the catalog and its names: if one of these changes, so does the token. For a role
// that can't be public, Preview returns an error wrapping [ErrRole]; "" is reported as closed.
func (s *Service) Preview(ctx context.Context, appid string) (Report, error) {
	report, _, err := s.preview(ctx, withBudget(ctx, s.roles.Policy()), appid)
	return report, err
}

func (s *Service) preview(ctx context.Context, policy *roles.Policy, appid string) (Report, Setting, error) {
	setting, err := s.current(ctx, policy.Policy)
	if err != nil || appid == "" {
		return Report{}, setting, err
	}
	if err := checkRole(policy, appid); err != nil {
		return Report{}, setting, err
	}
	names, err := s.names(ctx)
	if err != nil {
		return Report{}, setting, err
	}
	report := expose(policy, nil, appid, newListing(s.c.Catalog, names))
	report.Token = s.token(setting, report, nil, names)
	return report, setting, nil
}

// PreviewEdit reports the permissions that callers without a key have in the policy next and not in before: Permissions and
// Writes list only those. It also returns the setting on which the report is based. The Token is "" if the edit adds
// nothing, or the public API is closed; otherwise it depends on the same things as that of Preview, and on the role's grants
// in before.
func (s *Service) PreviewEdit(ctx context.Context, before, next *roles.Policy) (Report, Setting, error) {
	setting, err := s.current(ctx, before.Policy)
	if err != nil || setting.Role == "" {
		return Report{}, setting, err
	}
	names, err := s.names(ctx)
	if err != nil {
		return Report{}, setting, err
	}
	report := expose(next, before, setting.Role, newListing(s.c.Catalog, names))
	if len(report.Permissions) > 0 {
		report.Token = s.token(setting, report, before.Effective(setting.Role), names)
	}
	return report, setting, nil
}

// token returns a hash of everything that a preview depends on, except the order in which the host lists names.
func (s *Service) token(setting Setting, report Report, before roles.Grants, names map[string][]string) string {
	values := map[string][]string{}
	for name, list := range names {
		values[name] = slices.Compact(slices.Sorted(slices.Values(list)))
	}
	text, err := json.Marshal(struct {
		Public        string
		Revision      Revision
		Role          string
		Edit          bool
		Before, After roles.Grants
		Catalog       []roles.Group
		Names         map[string][]string
	}{setting.Role, setting.Revision, report.Role, before != nil, before, report.Grants, s.c.Catalog.Groups(nil), values})
	if err != nil { // strings, numbers and booleans can always be encoded
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (s *Service) names(ctx context.Context) (map[string][]string, error) {
	if s.c.Names == nil {
		return nil, nil
	}
	return s.c.Names(ctx)
}

// Catalog returns Config.Catalog and Config.Names.
func (s *Service) Catalog() (*roles.Catalog, func(context.Context) (map[string][]string, error)) {
	return s.c.Catalog, s.c.Names
}

// checkRole returns an error wrapping ErrRole for a role that can't be public.
func checkRole(policy *roles.Policy, appid string) error {
	switch {
	case strings.EqualFold(appid, roles.Admin):
		return fmt.Errorf("%w: the super role %q is never public", ErrRole, roles.Admin)
	case !policy.Has(appid):
		return fmt.Errorf("%w: there is no role %q", ErrRole, appid)
	}
	return nil
}

// An Opening is a request to make a role the public role.
type Opening struct {
	Role         string
	By           string   // the host's name for the operator
	Token        string   // of the preview of Role
	Acknowledged []string // the Writes of that preview, in any order
}

// Set makes o.Role the public role, if o confirms the current preview. Otherwise the error is an *[UnconfirmedError] with a
// new preview. Other refusals wrap [ErrRole]. When Set returns nil the change is durable, and it acts on the next request.
// Set loads the roles first. It does not notice an edit by another node while it runs; with [Service.Prepare], a caller
// holds the roles in a transaction.
func (s *Service) Set(ctx context.Context, o Opening) error {
	if s.directory != nil {
		if err := s.directory.Reload(ctx); err != nil {
			return err
		}
	}
	for range attempts {
		prepared, err := s.Prepare(ctx, withBudget(ctx, s.roles.Policy()), o)
		if err != nil {
			return err
		}
		if err = prepared.Save(ctx); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// A Prepared is a change of the setting that was confirmed and is not stored yet.
type Prepared struct {
	service *Service
	setting Setting
}

// Prepare is the first half of [Service.Set]: it makes every check and stores nothing. [Prepared.Save] is the second half.
// Prepare uses policy, which must be that of Config's roles, or newer, and its [roles.Budget]. A caller with its own
// transaction calls Prepare before it; in the transaction, it checks that the roles are unchanged and calls Save.
func (s *Service) Prepare(ctx context.Context, policy *roles.Policy, o Opening) (*Prepared, error) {
	if o.Role == "" {
		return nil, fmt.Errorf("%w: the role is missing", ErrRole)
	}
	report, setting, err := s.preview(ctx, policy, o.Role)
	if err != nil {
		return nil, err
	}
	if err := report.Confirm(o.Token, o.Acknowledged); err != nil {
		return nil, err
	}
	return &Prepared{s, Setting{Role: o.Role, ChangedAt: now(), ChangedBy: o.By, Revision: setting.Revision}}, nil
}

// Save stores the change. It returns an error wrapping [ErrConflict] if the setting was changed since Prepare, and one
// wrapping [ErrRole] if the role was deleted.
func (p *Prepared) Save(ctx context.Context) error {
	s, appid := p.service, p.setting.Role
	if err := s.c.Store.Save(ctx, p.setting); err != nil {
		return err
	}
	s.removeDeleted(appid)
	if policy := s.roles.Policy(); policy != nil && !policy.Has(appid) { // deleted since it was checked
		if err := s.closeDeleted(ctx, appid); err != nil {
			return err
		}
		return fmt.Errorf("%w: the role %q was deleted meanwhile", ErrRole, appid)
	}
	return nil
}

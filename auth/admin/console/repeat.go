package console

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// madeSince returns a custom key like set that was made since a form was opened. The answer with a new key cannot be a
// redirect, since the key would have to wait somewhere meanwhile; so a form that is sent again, by Reload, Back or a
// second click, is told by what it made the first time. Callers hold v.making.
func (v *visit) madeSince(opened string, set keys.Settings) (*keys.Record, error) {
	ms, err := strconv.ParseUint(opened, 10, 48)
	if err != nil {
		ms = 0 // a form that does not say: since ever
	}
	// IDs are UUIDs of version 7, which begin with the millisecond: this is before all of that one.
	f := keys.Filter{Limit: 1000, After: fmt.Sprintf("%08x-%04x-7000-8000-000000000000", ms>>16, ms&0xffff)}
	for {
		page, next, err := v.service.Keys(v.r.Context(), v.who, f, "")
		if err != nil {
			return nil, err
		}
		for i := range page {
			if alike(&page[i], &set) {
				return &page[i], nil
			}
		}
		if next == "" {
			return nil, nil
		}
		f.After = next
	}
}

// alike reports whether rec may come of set. A ring may give an end to a key that was to have none.
func alike(rec *keys.Record, set *keys.Settings) bool {
	same := func(a, b netip.Prefix) bool { return a.Masked() == b.Masked() }
	return rec.Name == set.Name && rec.Role == set.Role && slices.Equal(rec.Scopes, set.Scopes) &&
		slices.EqualFunc(rec.AllowedIPs, set.AllowedIPs, same) && (set.ExpiresAt.IsZero() || set.ExpiresAt.Equal(rec.ExpiresAt))
}

// formMoment is a moment for madeSince.
func formMoment(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

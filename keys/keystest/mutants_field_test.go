package keystest

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

var fieldMutants = []mutant{
	{breaks: "Scopes come back in number, order and spelling", how: "joined by commas", worsen: storing(func(r *keys.Record) {
		if len(r.Scopes) > 0 {
			r.Scopes = strings.Split(strings.Join(r.Scopes, ","), ",")
		}
	})},
	{breaks: "Scopes come back in number, order and spelling", how: "as a set", worsen: storing(func(r *keys.Record) {
		var set []string
		for _, s := range r.Scopes {
			if !slices.Contains(set, s) {
				set = append(set, s)
			}
		}
		r.Scopes = set
	})},
	{breaks: "AllowedIPs come back in number, order and length of prefix", how: "without bits of the host", worsen: storing(func(r *keys.Record) {
		r.AllowedIPs = slices.Clone(r.AllowedIPs)
		for i, n := range r.AllowedIPs {
			r.AllowedIPs[i] = n.Masked()
		}
	})},
	{breaks: "AllowedIPs come back in number, order and length of prefix", how: "each once",
		worsen: storing(func(r *keys.Record) { r.AllowedIPs = slices.Compact(slices.Clone(r.AllowedIPs)) })},
	{breaks: "No scopes and no networks come back as none", how: "as an empty one", worsen: storing(func(r *keys.Record) {
		if r.Scopes != nil && len(r.Scopes) == 0 {
			r.Scopes = []string{""}
		}
	})},
	{breaks: "No scopes and no networks come back as none", how: "as a network that is none", worsen: storing(func(r *keys.Record) {
		if r.AllowedIPs != nil && len(r.AllowedIPs) == 0 {
			r.AllowedIPs = []netip.Prefix{{}}
		}
	})},
	{breaks: "Times keep their microseconds", how: "milliseconds", worsen: showing(func(r *keys.Record) { r.ExpiresAt = r.ExpiresAt.Truncate(time.Millisecond) })},
	{breaks: "Times keep their microseconds", how: "the time of InvalidateUser in seconds", worsen: func(b *broken) {
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
			return b.MemoryStore.InvalidateUser(ctx, space, userID, at.Truncate(time.Second))
		}
	}},
	{breaks: "Times come back in UTC", how: "in the zone of the database", worsen: showing(func(r *keys.Record) { r.ExpiresAt = r.ExpiresAt.In(time.FixedZone("CET", 3600)) })},
	{breaks: "Times come back in UTC", how: "in a zone that has no name, by Find", worsen: func(b *broken) {
		b.find = shownByFind(b, func(r *keys.Record) { r.CreatedAt = r.CreatedAt.In(time.FixedZone("", 0)) })
	}},
	{breaks: "Zero times stay zero", how: "a key always has a time of creation", worsen: showing(func(r *keys.Record) {
		if r.CreatedAt.IsZero() {
			r.CreatedAt = time.Unix(0, 0).UTC()
		}
	})},
	{breaks: "Times far off stay what they are", how: "1970 means never", worsen: showing(func(r *keys.Record) {
		if r.ExpiresAt.Unix() == 0 {
			r.ExpiresAt = time.Time{}
		}
	})},
	{breaks: "Times far off stay what they are", how: "in nanoseconds", worsen: showing(func(r *keys.Record) {
		if !r.ExpiresAt.IsZero() {
			r.ExpiresAt = time.Unix(0, r.ExpiresAt.UnixNano()).UTC()
		}
	})},
}

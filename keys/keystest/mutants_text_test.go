package keystest

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey-go/latchkey/keys"
)

// foldings are ways in which a comparison takes one text for another.
var foldings = map[string]func(string) string{
	"in any letter case":         strings.ToLower,
	"without blanks at the end":  func(s string) string { return strings.TrimRight(s, " ") },
	"in a Unicode normal form":   func(s string) string { return strings.ReplaceAll(s, "A\u0308", "Ä") },
	"without what is not seen":   strings.NewReplacer("\u200b", "", "\u00ad", "").Replace,
	"as the value of a number":   func(s string) string { return strings.TrimSuffix(strings.TrimLeft(s, "0"), ".0") },
	"without accents":            strings.NewReplacer("Ä", "A", "A\u0308", "A").Replace,
	"with a wildcard in what is": func(s string) string { return strings.Replace(s, "_rger", "Ärger", 1) },
}

// folded returns text and those like it that fold takes for the same.
func folded(text string, fold func(string) string) []string {
	same := []string{text}
	for _, other := range alike {
		if other != text && fold(other) == fold(text) {
			same = append(same, other)
		}
	}
	return same
}

func textMutants() (mutants []mutant) {
	for how, fold := range foldings {
		filter := func(field func(*keys.Filter) *string) func(b *broken) {
			return func(b *broken) {
				b.list = func(ctx ctx, space string, f keys.Filter) (page []keys.Record, err error) {
					for _, text := range folded(*field(&f), fold) {
						*field(&f) = text
						more, err := b.MemoryStore.List(ctx, space, f)
						if err != nil {
							return nil, err
						}
						page = append(page, more...)
					}
					return page, nil
				}
			}
		}
		mutants = append(mutants,
			mutant{breaks: "A space is compared byte by byte", how: how + ", by List", worsen: func(b *broken) {
				b.list = func(ctx ctx, space string, f keys.Filter) (page []keys.Record, err error) {
					for _, text := range folded(space, fold) {
						more, err := b.MemoryStore.List(ctx, text, f)
						if err != nil {
							return nil, err
						}
						page = append(page, more...)
					}
					return page, nil
				}
			}},
			mutant{breaks: "A user ID is compared byte by byte", how: how + ", by List", worsen: filter(func(f *keys.Filter) *string { return &f.UserID })},
			mutant{breaks: "A role is compared byte by byte", how: how + ", by List", worsen: filter(func(f *keys.Filter) *string { return &f.Role })},
			mutant{breaks: "A foreign ID is compared byte by byte", how: how + ", by List", worsen: filter(func(f *keys.Filter) *string { return &f.ForeignID })},
			mutant{breaks: "A foreign ID is compared byte by byte", how: how + ", by Insert", worsen: func(b *broken) {
				b.insert = func(ctx ctx, r keys.Record) error {
					for _, text := range folded(r.ForeignID, fold) {
						if text != "" && len(b.all(r.Space, keys.Filter{ForeignID: text})) > 0 && ctx.Err() == nil {
							return keys.ErrExists
						}
					}
					return b.MemoryStore.Insert(ctx, r)
				}
			}},
			mutant{breaks: "A user ID is compared byte by byte", how: how + ", by Insert", worsen: func(b *broken) {
				b.insert = func(ctx ctx, r keys.Record) error {
					for _, text := range folded(r.UserID, fold) {
						if text != r.UserID && r.Sole && slices.ContainsFunc(b.all(r.Space, keys.Filter{UserID: text}), live) {
							return keys.ErrExists
						}
					}
					return b.MemoryStore.Insert(ctx, r)
				}
			}},
			mutant{breaks: "A role is compared byte by byte", how: how + ", by DropRole", worsen: func(b *broken) {
				b.dropRole = func(ctx ctx, role string) (n int, err error) {
					for _, text := range folded(role, fold) {
						more, err := b.MemoryStore.DropRole(ctx, text)
						if err != nil {
							return 0, err
						}
						n += more
					}
					return n, nil
				}
			}},
			mutant{breaks: "A user ID is compared byte by byte", how: how + ", by InvalidateUser", worsen: func(b *broken) {
				b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) (ended []keys.Record, err error) {
					for _, text := range folded(userID, fold) {
						more, err := b.MemoryStore.InvalidateUser(ctx, space, text, at)
						if err != nil {
							return nil, err
						}
						ended = append(ended, more...)
					}
					return ended, nil
				}
			}},
		)
	}
	return append(mutants,
		mutant{breaks: "A space is compared byte by byte", how: "in any letter case, by Get", worsen: func(b *broken) {
			b.get = func(ctx ctx, space, id string) (keys.Record, error) {
				if r, err := b.MemoryStore.Get(ctx, space, id); err == nil {
					return r, nil
				}
				return b.MemoryStore.Get(ctx, strings.ToLower(space), id)
			}
		}},
		mutant{breaks: "A digest's algorithm is compared byte by byte", how: "in any letter case",
			worsen: findAlso(func(space string, d keys.Digest) (string, []keys.Digest) {
				algorithm, sum := d.Reveal()
				return space, []keys.Digest{keys.NewDigest(strings.ToLower(algorithm), sum)}
			})},
		mutant{breaks: "An ID is compared byte by byte", how: "as a UUID", worsen: func(b *broken) {
			b.get = func(ctx ctx, space, id string) (keys.Record, error) {
				if u, err := uuid.Parse(id); err == nil {
					id = u.String()
				}
				return b.MemoryStore.Get(ctx, space, id)
			}
		}},
		mutant{breaks: "Texts come back byte by byte", how: "without blanks at the ends", worsen: storing(func(r *keys.Record) { r.Name = strings.TrimSpace(r.Name) })},
		mutant{breaks: "Texts come back byte by byte", how: "cut off at 191 bytes", worsen: storing(func(r *keys.Record) { r.Name = r.Name[:min(191, len(r.Name))] })},
		mutant{breaks: "Texts come back byte by byte", how: "numbers by their value",
			worsen: storing(func(r *keys.Record) { r.CreatedBy = strings.TrimLeft(r.CreatedBy, "0") })},
		mutant{breaks: "Texts come back byte by byte", how: "without words of SQL",
			worsen: storing(func(r *keys.Record) { r.Hint = strings.ReplaceAll(r.Hint, "NULL", "") })},
	)
}

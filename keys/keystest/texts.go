package keystest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/keys"
)

// alike are texts that a comparison which is not byte by byte takes for one another: by letter case, by
// blanks at an end, by accents, by Unicode normal forms, by code points that collations ignore, by
// wildcards, by the value of a number.
var alike = []string{
	"Ärger", "ärger", "ÄRGER", "Ärger ", " Ärger", "Ärger\u00a0", "Arger", "A\u0308rger", "Ärger\u200b", "Ärge\u00adr",
	"Ärger%", "_rger", "%", "straße", "strasse", "STRASSE", "12", "012", "12.0", "١٢", "1２", "NULL", "null",
}

// insertEach inserts a custom key for each text, which set writes into it, and returns the records by text.
func (p *probe) insertEach(what string, texts []string, set func(r *keys.Record, text string)) map[string]keys.Record {
	p.Helper()
	records := map[string]keys.Record{}
	for _, text := range texts {
		r := custom()
		set(&r, text)
		if !p.works(p.Insert(background, r), fmt.Sprintf("%s %q, beside others: Insert", what, text)) {
			break
		}
		records[text] = r
	}
	return records
}

var textChecks = []check{
	{"A space is compared byte by byte", func(p *probe) {
		common := digest()
		records := p.insertEach("space", alike, func(r *keys.Record, space string) {
			r.Space, r.Digest, r.ForeignID = space, common, "65f1c0ffee"
		})
		for space, r := range records {
			p.found(common, r, fmt.Sprintf("space %q", space))
			p.lists(space, keys.Filter{}, fmt.Sprintf("space %q", space), r)
		}
		p.wraps(errorOf(p.Get(background, "Ärger", records["ärger"].ID)), keys.ErrNotFound, `in space "Ärger", Get of a record of "ärger"`)
	}},
	{"A user ID is compared byte by byte", func(p *probe) {
		records := p.insertEach("Sole key of user", alike, func(r *keys.Record, userID string) { *r = soleOf(userID) })
		for userID, r := range records {
			p.lists("", keys.Filter{UserID: userID}, fmt.Sprintf("filter by user %q", userID), r)
		}
		for i, userID := range alike {
			if got := p.invalidateUser("", userID, later); len(got) != 1 {
				p.broken("InvalidateUser of %q returns %d records, want 1", userID, len(got))
			}
			if left := len(p.list("", keys.Filter{State: keys.StateInvalidated, At: noon})); left != i+1 {
				p.broken("after InvalidateUser of %d users, each with one key, %d keys are invalidated", i+1, left)
				return
			}
		}
	}},
	{"A role is compared byte by byte", func(p *probe) {
		records := p.insertEach("role", alike, func(r *keys.Record, role string) { r.Role = role })
		for role, r := range records {
			p.lists("", keys.Filter{Role: role}, fmt.Sprintf("filter by role %q", role), r)
		}
		for i, role := range alike {
			if got := p.dropRole(role); got != 1 {
				p.broken("DropRole of %q returns %d, want 1", role, got)
			}
			none := slices.DeleteFunc(p.list("", keys.Filter{}), func(r keys.Record) bool { return r.Role != "" })
			if len(none) != i+1 {
				p.broken("after DropRole of %d roles, each of one key, %d keys have none", i+1, len(none))
				return
			}
		}
	}},
	{"A foreign ID is compared byte by byte", func(p *probe) {
		records := p.insertEach("foreign ID", alike, func(r *keys.Record, foreign string) { r.ForeignID = foreign })
		for foreign, r := range records {
			p.lists("", keys.Filter{ForeignID: foreign}, fmt.Sprintf("filter by foreign ID %q", foreign), r)
		}
	}},
	{"A digest's algorithm is compared byte by byte", func(p *probe) {
		_, sum := digest().Reveal()
		records := p.insertEach("pepper", []string{"a", "A", "a ", "ab", "%"}, func(r *keys.Record, pepper string) {
			r.Digest = keys.NewDigest("hmac-sha256:"+pepper, sum)
		})
		for pepper, r := range records {
			p.found(r.Digest, r, fmt.Sprintf("pepper %q", pepper))
		}
		p.lost("", keys.NewDigest("HMAC-sha256:a", sum), "another spelling of the algorithm")
	}},
	{"An ID is compared byte by byte", func(p *probe) {
		r := p.inserted(custom())
		for _, id := range []string{
			strings.ToUpper(r.ID), r.ID + " ", " " + r.ID, "{" + r.ID + "}", "urn:uuid:" + r.ID, strings.ReplaceAll(r.ID, "-", ""),
		} {
			p.wraps(errorOf(p.Get(background, "", id)), keys.ErrNotFound, fmt.Sprintf("another spelling of a stored ID, %q: Get", id))
		}
	}},
	{"Texts come back byte by byte", func(p *probe) {
		long := strings.Repeat("€uro🔑 ", 18) // 198 bytes
		for i, text := range append([]string{long, strings.Repeat("x", 200), "0x10", "1e5", `\N`, `"`, "'", "{}", "[]", "true", "a\\b", "<b>&amp;"}, alike...) {
			user, own := ofUser(text), custom()
			for _, r := range []*keys.Record{&user, &own} {
				r.Space, r.Name, r.Hint, r.CreatedBy, r.ForeignID = text, text, text, text, text+string(r.Kind)
			}
			own.Role = text
			p.insert(user, own)
			what := fmt.Sprintf("text %d, %.20q", i, text)
			p.stands(user, what+" in a user key")
			p.stands(own, what+" in a custom key")
		}
	}},
}

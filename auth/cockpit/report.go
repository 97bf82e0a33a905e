package cockpit

import (
	"fmt"
	"strings"
)

// What is the kind of object of an [Entry].
type What string

const (
	AboutRole   What = "role"
	AboutUser   What = "user"
	AboutKey    What = "key"
	AboutPublic What = "public" // the setting of the public API
)

// A Verdict says what an import does with a document.
type Verdict string

const (
	VerdictNew       Verdict = "new"       // it is not here yet, and is added
	VerdictChanged   Verdict = "changed"   // it is different here; the reason names the difference and the action
	VerdictUnchanged Verdict = "unchanged" // it is here already
	VerdictRefused   Verdict = "refused"   // it cannot be taken; the reason says why
)

// An Entry is the verdict on one document of Cockpit.
type Entry struct {
	What    What    `json:"what"`
	ID      string  `json:"id,omitempty"`   // Cockpit's _id; the appid of a role
	Name    string  `json:"name,omitempty"` // for people; of the public API its role
	Verdict Verdict `json:"verdict"`
	// Reason is text for people: the reason for a refusal, the difference, the fields left out. It may
	// be there with every verdict.
	Reason string `json:"reason,omitempty"`
}

// A Report lists what an import does or has done. It holds no key and no digest.
type Report struct {
	Entries  []Entry  `json:"entries"`            // roles, users, keys, public API; each in row order
	Warnings []string `json:"warnings,omitempty"` // about the whole import
}

// Count returns the number of entries of this kind with this verdict.
func (r *Report) Count(what What, verdict Verdict) (n int) {
	for i := range r.Entries {
		if r.Entries[i].What == what && r.Entries[i].Verdict == verdict {
			n++
		}
	}
	return n
}

// String is the report as text: a line for each kind with how many there are, the warnings, and a line for each entry
// but those that are unchanged without a reason.
func (r *Report) String() string {
	var b strings.Builder
	for _, what := range []What{AboutRole, AboutUser, AboutKey, AboutPublic} {
		var counts []string
		for _, verdict := range []Verdict{VerdictNew, VerdictChanged, VerdictUnchanged, VerdictRefused} {
			if n := r.Count(what, verdict); n > 0 {
				counts = append(counts, fmt.Sprintf("%d %s", n, verdict))
			}
		}
		if counts != nil {
			fmt.Fprintf(&b, "%-7s %s\n", what+":", strings.Join(counts, ", "))
		}
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	for _, e := range r.Entries {
		if e.Verdict != VerdictUnchanged || e.Reason != "" {
			fmt.Fprintf(&b, "%s\n", e)
		}
	}
	return b.String()
}

// String is the entry in one line.
func (e Entry) String() string {
	words := []string{string(e.Verdict), string(e.What)}
	if e.ID != "" {
		words = append(words, oneWord(e.ID))
	}
	if e.Name != "" && e.Name != e.ID {
		words = append(words, fmt.Sprintf("%q", e.Name))
	}
	line := strings.Join(words, " ")
	if e.Reason != "" {
		line += ": " + e.Reason
	}
	return line
}

// oneWord quotes text that is not one plain word.
func oneWord(text string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_' || r == '-'
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return fmt.Sprintf("%q", text)
	}
	return text
}

package keys

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName  = 200  // bytes of a name, user ID, foreign ID, space or author
	maxRole  = 64   // bytes
	maxScope = 1040 // bytes: sixteen segments of 64
	maxMany  = 64   // number of scopes, and of networks
)

// checkText checks a text of a record: its length in bytes, valid UTF-8, and no control characters, which could forge a log
// line or be truncated by a database.
func checkText(name, s string, least, most int) error {
	if len(s) < least || len(s) > most {
		return fmt.Errorf("%w: the %s has %d bytes; %d to %d are allowed", ErrRefused, name, len(s), least, most)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: the %s is not valid UTF-8", ErrRefused, name)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("%w: the %s has a control character", ErrRefused, name)
	}
	return nil
}

// checkRecord checks the fields of a record that a caller sets.
func checkRecord(rec *Record, space string) error {
	for _, t := range []struct {
		name, s     string
		least, most int
	}{
		{"space", space, 0, maxName},
		{"name", rec.Name, 0, maxName},
		{"role", rec.Role, 0, maxRole},
		{"foreign ID", rec.ForeignID, 0, maxName},
		{"author", rec.CreatedBy, 0, maxName},
	} {
		if err := checkText(t.name, t.s, t.least, t.most); err != nil {
			return err
		}
	}
	switch rec.Kind {
	case KindUser:
		if err := checkText("user ID", rec.UserID, 1, maxName); err != nil {
			return err
		}
		if rec.Role != "" {
			return fmt.Errorf("%w: a user key has no role of its own", ErrRefused)
		}
	case KindCustom:
		if rec.UserID != "" {
			return fmt.Errorf("%w: a custom key belongs to no user", ErrRefused)
		}
	default:
		return fmt.Errorf("%w: the kind is neither user nor custom", ErrRefused)
	}
	if len(rec.Scopes) > maxMany || len(rec.AllowedIPs) > maxMany {
		return fmt.Errorf("%w: more than %d scopes or networks", ErrRefused, maxMany)
	}
	for _, s := range rec.Scopes {
		if err := checkText("scope", s, 1, maxScope); err != nil {
			return err
		}
	}
	for _, p := range rec.AllowedIPs {
		if !p.IsValid() || p.Addr().Is4In6() {
			return fmt.Errorf("%w: a network is not valid, or is IPv4 in IPv6 form", ErrRefused)
		}
	}
	return nil
}

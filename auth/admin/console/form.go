package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth/admin"
)

// mostForm is how large a form may be: a role with all its permissions is the largest.
const mostForm = 1 << 20

// form reads the form that was sent.
func (v *visit) form() error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, mostForm)
	if err := v.r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return err
		}
		return errForm
	}
	return nil
}

// field returns one value of the form that was sent.
func (v *visit) field(name string) string { return v.r.PostForm.Get(name) }

// mustMatch returns the revision that the form was made for. A form without one matches none: without it a form that is
// sent twice, by Reload or a second click, would act twice.
func (v *visit) mustMatch() string { return cmp.Or(v.field("match"), "none") }

// fieldLines splits a text into its lines.
func fieldLines(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// parseNetworks reads addresses and networks, one on each line.
func parseNetworks(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, line := range fieldLines(text) {
		network, err := netip.ParsePrefix(line)
		if err != nil {
			addr, err := netip.ParseAddr(line)
			if err != nil || addr.Zone() != "" {
				return nil, &admin.Error{Err: admin.ErrInput, Field: "allowed_ips", Text: "has a line that is not an address or a network, such as 192.0.2.1 or 10.0.0.0/8"}
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		all = append(all, network)
	}
	return all, nil
}

// inputTime is the layout of times in forms. The pages ask for UTC.
const inputTime = "2006-01-02T15:04"

// parseTime reads a time in UTC; "" is none.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{inputTime, inputTime + ":05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &admin.Error{Err: admin.ErrInput, Field: "expires_at", Text: "is not a date and time, such as 2030-01-31T12:00"}
}

func formTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(inputTime)
}

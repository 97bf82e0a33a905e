package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/content/json5"
)

const (
	maxModels = 50               // in one request
	maxAnswer = 64 << 20         // bytes of all lists together
	searching = 10 * time.Second // for all lists together
)

// One of the lists in ?models={"news": {"model": "posts", "limit": 3}, "menu": {}}. Without a model, the name of the
// list is the model's.
type wanted struct {
	content.Options
	Model string `json:"model"`
}

// UnmarshalJSON knows that PHP writes an empty object as [].
func (one *wanted) UnmarshalJSON(text []byte) error {
	if string(text) == "[]" {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for _, name := range []string{"limit", "skip", "populate"} { // as text, too
		if n, ok := content.ParseInt(strings.Trim(string(members[name]), `"`)); ok && members[name] != nil {
			members[name] = strconv.AppendInt(nil, int64(n), 10)
		}
	}
	text, _ = json.Marshal(members) // it was decoded
	type plain wanted
	return json.Unmarshal(text, (*plain)(one))
}

// several returns lists of several models. It leaves out models that do not exist or that the caller may not read.
func (a api) several(w http.ResponseWriter, r *http.Request) (any, error) {
	shared, values, err := a.query(w, r, true) // locale and populate apply to all lists
	if err != nil {
		return nil, err
	}
	text := values.Text("models")
	if text == "" {
		return nil, &complaint{cmp.Or(a.dialect.missing, http.StatusBadRequest), "<models> parameter is missing"}
	}
	var lists map[string]wanted
	converted, err := json5.Convert(text)
	if err != nil || json.Unmarshal(converted, &lists) != nil || len(lists) > maxModels {
		return nil, &complaint{cmp.Or(a.dialect.missing, http.StatusBadRequest), "<models> is not valid json"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), searching)
	defer cancel()
	answer, left, room := map[string]json.RawMessage{}, content.MaxItems, maxAnswer
	for name, one := range lists {
		one.Model = cmp.Or(one.Model, name)
		one.Locale = cmp.Or(one.Locale, shared.Locale())
		one.Populate = cmp.Or(one.Populate, shared.Levels())
		query, err := one.Query()
		if err != nil {
			return nil, err
		}
		shown, n, err := a.one(ctx, one.Model, query.AtMost(left))
		switch {
		case errors.Is(err, errLeftOut):
		case err != nil:
			return nil, err
		default:
			answer[name], _ = json.Marshal(shown) // values decoded from JSON always encode
			room -= len(answer[name])
		}
		if left -= n; left <= 0 || room < 0 {
			return nil, content.ErrTooMany
		}
	}
	return answer, nil
}

// errLeftOut means that the answer does not mention this model.
var errLeftOut = errors.New("api: not for this caller")

// one returns the list of one model, and the number of items in it.
func (a api) one(ctx context.Context, name string, query content.Query) (shown any, n int, err error) {
	model, err := a.content.Model(ctx, name)
	if errors.Is(err, content.ErrNotFound) {
		return nil, 0, errLeftOut
	}
	if err != nil {
		return nil, 0, err
	}
	if model.Type == content.Singleton {
		item, err := a.content.First(ctx, model, query)
		if errors.Is(err, content.ErrNotFound) {
			return nil, 0, nil
		}
		return item, 1, leaveOut(err)
	}
	items, total, err := a.content.Items(ctx, model, query)
	return listed(query, items, total), len(items), leaveOut(err)
}

// leaveOut turns a refusal of the caller into errLeftOut. It returns other errors, such as a store failure, unchanged.
func leaveOut(err error) error {
	var refusal *auth.Refusal
	if errors.As(err, &refusal) && refusal.Status < http.StatusInternalServerError {
		return errLeftOut
	}
	return err
}

package gql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// A run is the state of one operation. It is also the root object.
type run struct {
	*executable
	answer  answer
	outcome *outcome
	left    int // items that may still be read

	granted, denied int // root fields
	status          int // of the first denied field
}

// field resolves a root field. After a store failure it does nothing more, since there will be no answer.
func (r *run) field(ctx context.Context, f graphql.CollectedField) any {
	if r.outcome.storeErr != nil {
		return nil
	}
	a, err := argumentsOf(f.Field, r.answer.operation.Variables)
	if err != nil {
		r.answer.fail(&gqlerror.Error{Message: err.Error()})
		return nil
	}
	switch f.Name {
	case "__schema":
		return introspection.WrapSchema(r.schema)
	case "__type":
		return introspection.WrapTypeFromDef(r.schema, r.schema.Types[a.Name])
	case "content":
		return r.read(ctx, a, r.list)
	case "contentTree":
		return r.read(ctx, a, r.tree)
	case "saveContentItem":
		verb := content.Create
		if a.Data["_id"] != nil {
			verb = content.Update
		}
		return r.write(ctx, a, verb, r.save)
	case "deleteContentItem":
		return r.write(ctx, a, content.Delete, r.remove)
	}
	a.Model = strings.TrimSuffix(f.Name, suffix)
	if a.ID != "" {
		a.Options.Filter, _ = json.Marshal(map[string]string{"_id": a.ID})
	}
	if f.Definition.Type.Elem == nil {
		return r.read(ctx, a, r.single)
	}
	return r.read(ctx, a, r.list)
}

// read resolves a field that lists a model's items.
func (r *run) read(ctx context.Context, a arguments, items func(context.Context, content.Model, content.Query, arguments) (any, error)) any {
	model, err := r.model(ctx, a.Model, content.Read)
	if errors.Is(err, content.ErrNotFound) && r.LikeCockpit {
		return []any{}
	}
	if err == nil && r.left <= 0 {
		err = content.ErrTooMany
	}
	var query content.Query
	if err == nil {
		query, err = a.Options.Query()
	}
	var value any
	if err == nil {
		value, err = items(ctx, model, query.AtMost(r.left), a)
	}
	if err == nil {
		r.granted++
		return value
	}
	f := r.report(err, http.StatusPreconditionFailed)
	if f.quiet && model.Type != content.Singleton {
		return []any{}
	}
	return nil
}

// model returns a model. Outside Cockpit's dialect permission is checked first: a caller without it is not f
// whether the model exists.
func (r *run) model(ctx context.Context, name, verb string) (content.Model, error) {
	if !r.LikeCockpit {
		if err := auth.Allowed(ctx, content.Permission(name, verb)); err != nil {
			return content.Model{}, err
		}
	}
	model, err := r.Content.Model(ctx, name)
	if errors.Is(err, content.ErrNotFound) {
		err = &fault{text: fmt.Sprintf("Model <%s> not found", name), code: codeNotFound, status: http.StatusNotFound, quiet: r.LikeCockpit, cause: err}
	}
	return model, err
}

func (r *run) list(ctx context.Context, m content.Model, q content.Query, _ arguments) (any, error) {
	items, _, err := r.Content.Items(ctx, m, q)
	return items, r.pay(len(items), err)
}

func (r *run) single(ctx context.Context, m content.Model, q content.Query, _ arguments) (any, error) {
	item, err := r.Content.First(ctx, m, q)
	if errors.Is(err, content.ErrNotFound) {
		return nil, nil
	}
	return item, r.pay(1, err)
}

func (r *run) tree(ctx context.Context, m content.Model, q content.Query, a arguments) (any, error) {
	if err := auth.Allowed(ctx, content.Permission(m.Name, content.Read)); err != nil {
		return nil, err
	}
	if m.Type != content.Tree {
		return nil, &fault{text: fmt.Sprintf("<%s> is not a tree", m.Name), status: http.StatusBadRequest, quiet: r.LikeCockpit}
	}
	items, err := r.Content.Tree(ctx, m, a.Parent, q)
	return items, r.pay(len(items), err)
}

// pay subtracts items from the operation's limit. If the limit is exceeded, the rest of the operation gets nothing.
func (r *run) pay(items int, err error) error {
	r.left -= items
	if errors.Is(err, content.ErrTooMany) || err == nil && r.left <= 0 {
		r.left = 0
		return content.ErrTooMany
	}
	return err
}

// write resolves a mutation. In Cockpit's dialect an error is in the field itself, otherwise among the errors.
func (r *run) write(ctx context.Context, a arguments, verb string, do func(context.Context, content.Model, arguments) (item, error)) any {
	model, err := r.model(ctx, a.Model, verb)
	var done item
	if err == nil {
		done, err = do(ctx, model, a)
	}
	if err == nil {
		r.granted++
		return done
	}
	if f := r.report(err, http.StatusForbidden); f.quiet {
		return item{"error": f.text}
	}
	return nil
}

func (r *run) save(ctx context.Context, m content.Model, a arguments) (item, error) {
	if len(a.Data) == 0 {
		return nil, &fault{text: "Item data is missing", status: http.StatusPreconditionFailed, quiet: r.LikeCockpit}
	}
	saved, err := r.Content.Save(ctx, m, a.Data)
	return item{"item": map[string]any(saved)}, err
}

func (r *run) remove(ctx context.Context, m content.Model, a arguments) (item, error) {
	if m.Type == content.Singleton {
		text := fmt.Sprintf("DELETE method not allowed for <%s>", m.Name)
		return nil, &fault{text: text, status: http.StatusPreconditionFailed, quiet: r.LikeCockpit}
	}
	return item{"success": true}, r.Content.Delete(ctx, m, a.ID)
}

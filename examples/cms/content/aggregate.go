package content

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/latchkey-go/latchkey/examples/cms/content/mongo"
)

// A PipelineError says why a pipeline is refused. Its text may be sent to the client.
type PipelineError struct{ text string }

func (e *PipelineError) Error() string { return e.text }

// A Pipeline is the stages of an aggregation.
type Pipeline struct {
	stages mongo.Pipeline
	locale string
}

// ParsePipeline reads [{"$match": {…}}, {"$group": {"_id": "$kind", "n": {"$sum": 1}}}]. See package mongo for the
// stages. Its error is a *PipelineError.
func ParsePipeline(text json.RawMessage, locale string) (Pipeline, error) {
	switch {
	case !json.Valid(text):
		return Pipeline{}, &PipelineError{"Pipeline is not valid json"}
	case !bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")):
		return Pipeline{}, &PipelineError{"Pipeline is not valid list format"}
	}
	c := mongo.Compiler{Locale: localeOf(locale)}
	stages, err := c.ParsePipeline(text)
	if err != nil {
		return Pipeline{}, &PipelineError{"Pipeline has " + err.Error()}
	}
	return Pipeline{stages, c.Locale}, nil
}

// Aggregate runs a pipeline over the published items. For a singleton it returns a *PipelineError.
func (s *Store) Aggregate(ctx context.Context, m Model, p Pipeline) ([]Item, error) {
	if m.Type == Singleton {
		return nil, &PipelineError{fmt.Sprintf("Aggregate method not allowed for <%s>", m.Name)}
	}
	ctx, done, err := turn(ctx, s.searches)
	if err != nil {
		return nil, err
	}
	defer done()
	items, _, err := s.page(ctx, m, Query{})
	if err != nil {
		return nil, err
	}
	docs := make([]mongo.Doc, len(items))
	for i, item := range items {
		docs[i] = item
	}
	if docs, err = p.stages.Run(ctx, docs, mongo.Limits{Docs: MaxItems, Bytes: maxBytes}); errors.Is(err, mongo.ErrTooMuch) {
		err = ErrTooMany
	}
	if err != nil {
		return nil, err
	}
	items = make([]Item, len(docs))
	for i, doc := range docs {
		m.localise(doc, p.locale, mongo.Projection{})
		items[i] = doc
	}
	return items, nil
}

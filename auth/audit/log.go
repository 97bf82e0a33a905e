package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A Log stores records. Its methods may be called concurrently, should give up when ctx is done (with an error that wraps
// ctx's), and must do nothing when ctx was done before they began. They copy the records that they take and return.
//
// The suite in audittest checks each of these promises.
type Log interface {
	// Append adds a record that [Stamp] has completed. When it returns nil the record is durable, or as durable as the
	// transaction in ctx, if the log takes part in one. A second record with the same ID is an error, and does not change
	// the first.
	Append(ctx context.Context, r Record) error

	// List returns the records that pass f, newest first: in descending order of ID. None is an empty list and
	// no error. A log that cannot be read back returns an error wrapping [ErrNotListed].
	//
	// That is the order in which records were stamped, as far as [Stamp] promises it, not the order in which they were
	// appended: a slower transaction, or a node whose clock is behind, adds a record below existing ones. So a reader
	// must not take the highest ID that it has read as the end of the log.
	List(ctx context.Context, f Filter) ([]Record, error)
}

// ErrNotListed is the error of List of a write-only log.
var ErrNotListed = errors.New("audit: this log cannot be listed")

// A Filter says which records List returns. Space always applies, so that tenants never meet. Each other field that is
// not zero narrows the list; they combine. Texts are compared byte by byte.
type Filter struct {
	Space  string // "" is the space of a host without tenants
	Actor  string
	Action string
	Object string
	Since  time.Time // inclusive
	Until  time.Time // exclusive
	Before string    // the ID of the last record of the page before
	Limit  int       // 0 means 100; at most 1000 are returned
}

// Passes reports whether r passes f, apart from Limit, for logs that filter each record themselves.
func (f Filter) Passes(r Record) bool {
	return r.Space == f.Space &&
		(f.Actor == "" || r.Actor == f.Actor) &&
		(f.Action == "" || r.Action == f.Action) &&
		(f.Object == "" || r.Object == f.Object) &&
		(f.Since.IsZero() || !r.At.Before(f.Since)) &&
		(f.Until.IsZero() || r.At.Before(f.Until)) &&
		(f.Before == "" || r.ID < f.Before)
}

// Size returns the most records that a page has: Limit within its bounds.
func (f Filter) Size() int {
	if f.Limit <= 0 {
		return 100
	}
	return min(f.Limit, 1000)
}

// Slog returns a log that writes each record to logger, at level info and with the message "audit". Texts go out
// as attributes, never as part of the message. It cannot be listed. It panics if logger is nil.
func Slog(logger *slog.Logger) Log {
	if logger == nil {
		panic("audit: Slog without a logger keeps nothing")
	}
	return slogLog{logger}
}

type slogLog struct{ logger *slog.Logger }

func (l slogLog) Append(ctx context.Context, r Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("audit: nothing done: %w", err)
	}
	attrs := []slog.Attr{slog.String("id", r.ID), slog.Time("at", r.At),
		slog.String("actor", r.Actor), slog.String("action", r.Action), slog.String("object", r.Object)}
	for _, optional := range []slog.Attr{
		slog.String("actor_name", r.ActorName), slog.String("space", r.Space), slog.String("from", r.From),
	} {
		if optional.Value.String() != "" {
			attrs = append(attrs, optional)
		}
	}
	if r.Before != nil {
		attrs = append(attrs, slog.Any("before", r.Before))
	}
	if r.After != nil {
		attrs = append(attrs, slog.Any("after", r.After))
	}
	l.logger.LogAttrs(ctx, slog.LevelInfo, "audit", attrs...)
	return nil
}

func (slogLog) List(context.Context, Filter) ([]Record, error) { return nil, ErrNotListed }

package audit

import (
	"context"
	"fmt"
	"log/slog"
)

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

package audit

import "context"

// Tee returns a log that appends each record to first and then to the others in order, and stops at the first
// error. It lists what first has. Put the log that takes part in transactions first: where the transaction
// comes to nothing afterwards, the others hold a record of what did not happen.
func Tee(first Log, others ...Log) Log {
	return tee(append([]Log{first}, others...))
}

type tee []Log

func (t tee) Append(ctx context.Context, r Record) error {
	for _, log := range t {
		if err := log.Append(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (t tee) List(ctx context.Context, f Filter) ([]Record, error) { return t[0].List(ctx, f) }

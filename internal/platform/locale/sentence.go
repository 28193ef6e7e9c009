package locale

import (
	"errors"
	"strings"
	"time"

	"regulars/internal/platform/errs"
	"regulars/internal/platform/money"
)

// Sentence says an error to a person. What errs did not make is one calm
// sentence, whatever its cause.
func (p *Printer) Sentence(err error) string {
	var e *errs.Error
	if !errors.As(err, &e) {
		return p.T("locale.internal")
	}
	var count any
	args := make([]any, len(e.Args))
	for i, arg := range e.Args {
		if i%2 == 0 {
			args[i] = arg
			continue
		}
		if args[i-1] == "Count" {
			count = arg
		}
		args[i] = p.value(arg)
	}
	return p.message(e.Key, count, args)
}

// value writes an argument of a sentence as the language does.
func (p *Printer) value(arg any) any {
	switch v := arg.(type) {
	case int:
		return p.Int(int64(v))
	case int64:
		return p.Int(v)
	case float64:
		return p.Decimal(v, -1)
	case money.Amount:
		return p.Money(v)
	case time.Time:
		return p.Time(v)
	case []string:
		return strings.Join(v, ", ")
	case error:
		return p.Sentence(v)
	}
	return arg
}

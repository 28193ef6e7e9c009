package orders

import "regulars/internal/know/customers"

// Tables say how what was bought follows its customer. Orders of an erased
// person stay as figures, and so do subscriptions; what was said about them
// goes.
var Tables = []customers.Table{
	{Name: "orders", Merge: customers.Move, Erase: customers.Keep, Blank: map[string]string{"note": ""}},
	{Name: "order_lines", Merge: customers.Move, Erase: customers.Keep},
	{Name: "order_changes", Merge: customers.Move, Erase: customers.Keep, Blank: map[string]string{"fields": "{}"}, Unexported: true},
	{Name: "order_keys", Merge: customers.Follow, Erase: customers.Keep, Unexported: true},
	{Name: "subscriptions", Merge: customers.Move, Erase: customers.Keep, Blank: map[string]string{"note": ""}},
	{Name: "subscription_states", Merge: customers.Move, Erase: customers.Keep, Blank: map[string]string{"note": ""}},
	{Name: "subscription_renewals", Merge: customers.Move, Erase: customers.Keep},
	{Name: "subscription_keys", Merge: customers.Follow, Erase: customers.Keep, Unexported: true},
}

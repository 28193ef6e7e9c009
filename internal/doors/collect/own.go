package collect

import "regulars/internal/know/customers"

// Tables say how what was collected follows its customer.
var Tables = []customers.Table{
	{Name: "customer_event_names", Merge: customers.Move, Erase: customers.Empty, Unexported: true},
	{Name: "customer_event_props", Merge: customers.Move, Erase: customers.Empty},
	{Name: "collect_event_ids", Merge: customers.Follow, Erase: customers.Empty, Unexported: true},
	{Name: "customer_traits", Merge: customers.KeepFirst, Key: []string{"trait"}, Erase: customers.Empty},
	{Name: "collect_visitors", Merge: customers.Follow, Erase: customers.Empty, Unexported: true},
	{Name: "collect_orders", Merge: customers.Follow, Erase: customers.Keep, Unexported: true},
	{Name: "collect_told", Merge: customers.KeepFirst, Key: []string{"space", "field"}, Erase: customers.Empty},
	{Name: "collect_pieces", Merge: customers.Follow, Erase: customers.Keep, Unexported: true},
	{Name: "collect_requests", Merge: customers.Follow, Erase: customers.Keep, Unexported: true},
}

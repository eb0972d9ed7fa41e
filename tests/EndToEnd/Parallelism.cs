using Xunit;

// Every class boots a cluster with guests that are emulated: side by side on two cores they only take each other's time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

using Xunit.Sdk;
using Xunit.v3;

// Most tests wait for pods and controllers, so that more of them run at once than there are processors. With five at once, servers of two processors no longer
// answer each other in time.
[assembly: Parallelization(Mode = ParallelMode.Collections, MaxThreads = 3)]

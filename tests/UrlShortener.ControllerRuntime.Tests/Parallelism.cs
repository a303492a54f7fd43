using Xunit.Sdk;
using Xunit.v3;

// Most tests wait for an API server and its controllers, so that more of them run at once than there are processors.
[assembly: Parallelization(Mode = ParallelMode.Collections, MaxThreads = 4)]

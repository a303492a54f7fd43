using Xunit.Sdk;
using Xunit.v3;

// Most tests wait for processes of the product and their time limits, so that more of them run at once than there are processors.
[assembly: Parallelization(Mode = ParallelMode.Collections, MaxThreads = 4)]

namespace UrlShortener.Load;

/// <summary>How many regions the operator gets, and how long it is watched.</summary>
/// <param name="Regions">Regions in one namespace.</param>
/// <param name="Pods">Pods of each.</param>
/// <param name="SteadySeconds">Length of the steady state that is measured.</param>
/// <param name="Changes">Regions that are changed one after another after that, at most all.</param>
/// <param name="Operator">The operator's program; null: the one built in this tree.</param>
internal sealed record RegionsOptions(int Regions, int Pods, int SteadySeconds, int Changes, string? Operator);

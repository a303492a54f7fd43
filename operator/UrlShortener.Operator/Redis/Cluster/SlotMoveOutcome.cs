namespace UrlShortener.Operator.Redis.Cluster;

/// <summary>What came of a step that moves slots.</summary>
/// <param name="Moved">Number of slots that have their new owner.</param>
/// <param name="Held">A slot that cannot be moved at the moment, and why; null: none.</param>
/// <param name="Error">Why the step ended early; null: it did not.</param>
internal sealed record SlotMoveOutcome(int Moved, (int Slot, string Why)? Held, string? Error);

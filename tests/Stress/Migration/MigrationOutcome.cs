namespace Troupe.Stress.Migration;

/// <summary>One migration, from the creation of its object to its end.</summary>
/// <param name="Phase"><c>Succeeded</c>, <c>Failed</c>, <c>Deleted</c> when its object was deleted before an end was seen, or <c>Unfinished</c>.</param>
/// <param name="Aborted">Somebody deleted it on purpose.</param>
/// <param name="Reason">Why it failed, in the object's words.</param>
public sealed record MigrationOutcome(string Name, string Phase, bool Aborted, string? Reason, TimeSpan Total);

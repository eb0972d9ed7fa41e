using Troupe.ControlPlane.Admission.Review;

namespace Troupe.ControlPlane.Admission.Webhooks;

/// <summary>An endpoint that the API server asks, and about what.</summary>
/// <param name="Name">Without the group: <c>virtualmachines-mutator</c>.</param>
/// <param name="Path">Under which the endpoint is served.</param>
/// <param name="Resources">Each with its subresource: <c>virtualmachines/status</c>.</param>
public sealed record Webhook(
    string Name, string Path, bool IsMutating, string Group, IReadOnlyList<string> Versions, IReadOnlyList<string> Operations, IReadOnlyList<string> Resources, Admitter Admit)
{
    /// <summary>The API server asks only about objects for which this CEL expression holds; null: about all.</summary>
    public (string Name, string Expression)? MatchCondition { get; init; }

    /// <summary>As in the configuration object: whether asking changes anything.</summary>
    public string SideEffects { get; init; } = "None";
}

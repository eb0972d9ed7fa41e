using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Migration.Planning;

/// <summary>Nodes whose agent is silent get no new guests. It says itself when it goes in order, and when it is back; this is for one that died.</summary>
public static class NodeWatch
{
    public const string Reason = "NodeUnresponsive";

    /// <summary>Five missed heartbeats of a minute, as with KubeVirt.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public static IEnumerable<PlannedCall> Of(MigrationWorld world) =>
        world.Nodes.Where(n => IsSchedulable(n) && IsSilent(n, world.Now)).Select(n => new PlannedCall.MarkUnresponsive(n));

    /// <summary>A merge patch.</summary>
    public static JsonObject Patch() => new() { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { [Labels.Schedulable] = "false" } } };

    private static bool IsSchedulable(Node node) => node.Metadata.Labels?.GetValueOrDefault(Labels.Schedulable) == "true";

    /// <summary>One that has never been heard of is no agent's node, or not yet.</summary>
    private static bool IsSilent(Node node, DateTimeOffset now) =>
        DateTimeOffset.TryParse(node.Metadata.Annotations?.GetValueOrDefault(Annotations.Heartbeat), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var heard) && heard < now - Patience;
}

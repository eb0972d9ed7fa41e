using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Controllers;

/// <summary>What is left in a namespace that is being deleted, as the conditions of its status tell it.</summary>
internal static class NamespaceConditions
{
    /// <param name="left">Resources and finalizers of the objects that are still there.</param>
    /// <param name="undiscovered">Group versions of which it isn't known what they hold.</param>
    /// <param name="failures">Why some objects couldn't be deleted.</param>
    /// <param name="old">The conditions as they stand, for their transition times.</param>
    /// <param name="now">The time of what changed.</param>
    public static JsonArray Of(IReadOnlyList<(ResourceKey Key, IReadOnlyList<string> Finalizers)> left, IReadOnlyList<string> undiscovered, IReadOnlyList<string> failures, JsonArray? old, DateTimeOffset now)
    {
        var kinds = left.GroupBy(l => l.Key.ToString()).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => $"{(g.Key.Contains('.', StringComparison.Ordinal) ? g.Key : g.Key + ".")} has {g.Count()} resource instances").ToList();
        var finalizers = left.SelectMany(l => l.Finalizers).GroupBy(f => f).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => $"{g.Key} in {g.Count()} resource instances").ToList();
        JsonObject Condition(string type, bool value, string reason, string message)
        {
            var status = value ? "True" : "False";
            var before = old?.FirstOrDefault(c => c.Str("type") == type);
            return new JsonObject
            {
                ["type"] = type,
                ["status"] = status,
                ["lastTransitionTime"] = before.Str("status") == status ? before.Str("lastTransitionTime") : now.Kube(),
                ["reason"] = reason,
                ["message"] = message,
            };
        }
        return new JsonArray(
            undiscovered.Count > 0
                ? Condition("NamespaceDeletionDiscoveryFailure", true, "DiscoveryFailed", $"Discovery failed for some groups, {undiscovered.Count} failing: unable to retrieve the complete list of server APIs: {string.Join(", ", undiscovered)}")
                : Condition("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", "All resources successfully discovered"),
            Condition("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions", "All legacy kube types successfully parsed"),
            failures.Count > 0
                ? Condition("NamespaceDeletionContentFailure", true, "ContentDeletionFailed", $"Failed to delete all resource types, {failures.Count} remaining: {string.Join(", ", failures)}")
                : Condition("NamespaceDeletionContentFailure", false, "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
            kinds.Count > 0
                ? Condition("NamespaceContentRemaining", true, "SomeResourcesRemain", "Some resources are remaining: " + string.Join(", ", kinds))
                : Condition("NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed"),
            finalizers.Count > 0
                ? Condition("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: " + string.Join(", ", finalizers))
                : Condition("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers", "All content-preserving finalizers finished"));
    }
}

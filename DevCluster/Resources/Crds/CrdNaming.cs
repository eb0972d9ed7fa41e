using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Resources.Crds;

/// <summary>The work of Kubernetes' naming and establishing controllers, done in the same write: a CRD's names are free or they aren't.</summary>
internal static class CrdNaming
{
    public static void Accept(JsonObject crd, StrategyContext context)
    {
        var spec = crd.Obj("spec");
        if (spec.Obj("names") is not { } names)
            return;
        var status = crd.Child("status");
        var now = context.Now.Kube();
        if (Taken(spec.Str("group") ?? "", names, context.Registry) is not { } problem)
        {
            status["acceptedNames"] = names.DeepClone();
            SetCondition(crd, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
            SetCondition(crd, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted", now);
        }
        else
        {
            SetCondition(crd, "NamesAccepted", "False", problem.Reason, $"\"{problem.Name}\" is already in use", now);
            if (status.Arr("conditions")!.All(c => c.Str("type") != "Established"))
                SetCondition(crd, "Established", "False", "NotAccepted", "not all names are accepted", now);
        }
        var stored = status["storedVersions"] as JsonArray ?? [];
        if (stored.Parent is null)
            status["storedVersions"] = stored;
        var storage = (spec.Arr("versions") ?? []).FirstOrDefault(v => v.Bool("storage") == true).Str("name");
        if (storage is not null && !stored.Any(s => s.AsString() == storage))
            stored.Add((JsonNode)storage);
    }

    private static (string Reason, string Name)? Taken(string group, JsonObject names, ResourceRegistry registry)
    {
        var plural = names.Str("plural") ?? "";
        var rivals = registry.All.Where(d => d.Key.Group == group && d.Key.Plural != plural).ToList();
        bool Used(string? name) => name is not null && rivals.Any(d => d.Key.Plural == name || d.SingularName == name || d.ShortNames.Contains(name));
        // Kubernetes looks at one name after the other and tells of the last that is taken.
        foreach (var (field, reason) in new[] { ("listKind", "ListKindConflict"), ("kind", "KindConflict") })
        {
            if (names.Str(field) is { } kind && rivals.Any(d => d.Kind == kind || d.ListKind == kind))
                return (reason, kind);
        }
        if ((names.Arr("shortNames") ?? []).Select(s => s.AsString()).LastOrDefault(Used) is { } shortName)
            return ("ShortNamesConflict", shortName);
        if (Used(names.Str("singular")))
            return ("SingularConflict", names.Str("singular")!);
        if (Used(plural))
            return ("PluralConflict", plural);
        return null;
    }

    /// <summary>The transition time only changes with the status.</summary>
    public static void SetCondition(JsonObject crd, string type, string value, string reason, string message, string now)
    {
        var status = crd.Child("status");
        if (status["conditions"] is not JsonArray conditions)
            status["conditions"] = conditions = [];
        var old = conditions.OfType<JsonObject>().FirstOrDefault(c => c.Str("type") == type);
        if (old.Str("status") == value && old.Str("reason") == reason && old.Str("message") == message)
            return;
        var condition = new JsonObject
        {
            ["lastTransitionTime"] = old.Str("status") == value ? old.Str("lastTransitionTime") : now,
            ["message"] = message,
            ["reason"] = reason,
            ["status"] = value,
            ["type"] = type,
        };
        if (old is null)
            conditions.Add((JsonNode)condition);
        else
            conditions[conditions.IndexOf(old)] = condition;
    }
}

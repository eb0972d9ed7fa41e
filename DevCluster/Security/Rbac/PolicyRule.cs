using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Security.Rbac;

/// <summary>One rule of a Role or ClusterRole.</summary>
internal sealed record PolicyRule(string[] Verbs, string[] Groups, string[] Resources, string[] Names, string[] Urls)
{
    public static PolicyRule From(JsonNode? rule)
    {
        string[] Strings(string name) => [.. rule.Arr(name)?.Select(i => i.AsString()).OfType<string>() ?? []];
        return new PolicyRule(Strings("verbs"), Strings("apiGroups"), Strings("resources"), Strings("resourceNames"), Strings("nonResourceURLs"));
    }

    public JsonObject ToJson()
    {
        var json = new JsonObject();
        void Add(string name, string[] values)
        {
            if (values.Length > 0)
                json[name] = new JsonArray([.. values.Select(v => (JsonNode)v)]);
        }
        Add("verbs", Verbs);
        Add("apiGroups", Groups);
        Add("resources", Resources);
        Add("resourceNames", Names);
        Add("nonResourceURLs", Urls);
        return json;
    }

    public bool Allows(AuthorizationAttributes a)
    {
        if (!Has(Verbs, a.Verb))
            return false;
        if (a.Path is { } path)
            return Urls.Any(u => UrlCovers(u, path));
        var resource = a.Subresource.Length > 0 ? $"{a.Resource}/{a.Subresource}" : a.Resource;
        return Has(Groups, a.Group)
            && Resources.Any(r => r == "*" || r == resource || (a.Subresource.Length > 0 && r == "*/" + a.Subresource))
            && (Names.Length == 0 || Names.Contains(a.Name));
    }

    /// <summary>The rule cut into rules of one verb, group, resource and name each: the unit in which rights are compared.</summary>
    public IEnumerable<PolicyRule> Atoms()
    {
        foreach (var verb in Verbs)
        {
            foreach (var group in Groups)
            {
                foreach (var resource in Resources)
                {
                    if (Names.Length == 0)
                        yield return new PolicyRule([verb], [group], [resource], [], []);
                    foreach (var name in Names)
                        yield return new PolicyRule([verb], [group], [resource], [name], []);
                }
            }
            foreach (var url in Urls)
                yield return new PolicyRule([verb], [], [], [], [url]);
        }
    }

    /// <summary>Whether whoever has this rule has an atom of another one.</summary>
    public bool Covers(PolicyRule atom)
    {
        if (!Has(Verbs, atom.Verbs[0]))
            return false;
        if (atom.Urls.Length > 0)
            return Urls.Any(u => UrlCovers(u, atom.Urls[0]));
        var resource = atom.Resources[0];
        var slash = resource.IndexOf('/', StringComparison.Ordinal);
        return Has(Groups, atom.Groups[0])
            && Resources.Any(r => r == "*" || r == resource || (slash >= 0 && r == "*" + resource[slash..]))
            && (Names.Length == 0 || (atom.Names.Length > 0 && Names.Contains(atom.Names[0])));
    }

    /// <summary>As Kubernetes prints a rule in its messages.</summary>
    public override string ToString()
    {
        var parts = new (string Name, string[] Values)[] { ("APIGroups", Groups), ("Resources", Resources), ("NonResourceURLs", Urls), ("ResourceNames", Names), ("Verbs", Verbs) };
        return "{" + string.Join(", ", parts.Where(p => p.Values.Length > 0).Select(p => $"{p.Name}:{Quoted(p.Values)}")) + "}";
    }

    public static string Quoted(IEnumerable<string> values) => $"[{string.Join(' ', values.Select(v => $"\"{v}\""))}]";

    private static bool Has(string[] wanted, string value) => wanted.Contains("*") || wanted.Contains(value);

    private static bool UrlCovers(string rule, string path) =>
        rule == "*" || rule == path || (rule.EndsWith('*') && path.StartsWith(rule.TrimEnd('*'), StringComparison.Ordinal));
}

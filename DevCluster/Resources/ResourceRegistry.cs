using System.Collections.Immutable;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Resources;

/// <summary>
/// All served resources; built-ins are set once, custom ones come and go with their CRDs. Readers see one immutable snapshot.
/// </summary>
internal sealed class ResourceRegistry
{
    private readonly Lock _gate = new();
    private volatile Snapshot _snapshot = new(ImmutableDictionary<ResourceKey, ResourceDefinition>.Empty, []);
    private long _version;

    /// <summary>Counts changes; what is derived from the definitions (discovery, OpenAPI) is cached by it.</summary>
    public long Version => Volatile.Read(ref _version);

    public IReadOnlyList<ResourceDefinition> All => _snapshot.Ordered;

    public ResourceDefinition? Find(ResourceKey key) => _snapshot.ByKey.GetValueOrDefault(key);

    /// <summary>By an owner reference's or a manifest's apiVersion and kind.</summary>
    public ResourceDefinition? FindKind(string apiVersion, string kind) =>
        _snapshot.Ordered.FirstOrDefault(d => d.Kind == kind && d.ApiVersion == apiVersion);

    public bool HasGroupVersion(string group, string version) =>
        _snapshot.Ordered.Any(d => d.Key.Group == group && d.Key.Version == version);

    /// <summary>One definition per storage table: what controllers walk over.</summary>
    public IEnumerable<ResourceDefinition> Stored =>
        _snapshot.Ordered.Where(d => d.Answer is null).GroupBy(d => d.Table).Select(g => g.FirstOrDefault(d => d.ApiVersion == d.StorageApiVersion) ?? g.First());

    public ResourceDefinition? ForTable(string table) => Stored.FirstOrDefault(d => d.Table == table);

    public void Set(IEnumerable<ResourceDefinition> definitions) => Change(map => map.SetItems(definitions.Select(d => KeyValuePair.Create(d.Key, d))));

    /// <summary>Exchanges all versions of a custom resource at once; an empty list withdraws it.</summary>
    public void Replace(string group, string plural, IReadOnlyList<ResourceDefinition> definitions) => Change(map => map
        .RemoveRange(map.Keys.Where(k => k.Group == group && k.Plural == plural))
        .SetItems(definitions.Select(d => KeyValuePair.Create(d.Key, d))));

    private void Change(Func<ImmutableDictionary<ResourceKey, ResourceDefinition>, ImmutableDictionary<ResourceKey, ResourceDefinition>> change)
    {
        lock (_gate)
        {
            var map = change(_snapshot.ByKey);
            _snapshot = new Snapshot(map, [.. map.Values.OrderBy(d => d.Key.Group, StringComparer.Ordinal)
                .ThenBy(d => VersionRank(d.Key.Version)).ThenBy(d => d.Key.Plural, StringComparer.Ordinal)]);
            Interlocked.Increment(ref _version);
        }
    }

    /// <summary>Kubernetes' order of versions: v2, v1, v2beta1, v1beta1, v1alpha1, anything else; smaller is preferred.</summary>
    public static (int Stability, int Major, int Minor, string Name) VersionRank(string version)
    {
        var match = System.Text.RegularExpressions.Regex.Match(version, "^v([0-9]{1,6})(?:(alpha|beta)([0-9]{1,6}))?$");
        if (!match.Success)
            return (3, 0, 0, version);
        var stability = match.Groups[2].Value switch { "" => 0, "beta" => 1, _ => 2 };
        var minor = match.Groups[3].Success ? int.Parse(match.Groups[3].ValueSpan, System.Globalization.CultureInfo.InvariantCulture) : 0;
        return (stability, -int.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture), -minor, "");
    }

    private sealed record Snapshot(ImmutableDictionary<ResourceKey, ResourceDefinition> ByKey, IReadOnlyList<ResourceDefinition> Ordered);
}

using System.Collections.Frozen;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>All operators and functions, by name and whether they are written after a dot.</summary>
internal static class CelFunctions
{
    private static readonly FrozenDictionary<(string Name, bool Member), IReadOnlyList<CelOverload>> Table =
        CelOperators.All().Concat(CelConversions.All()).Concat(CelStrings.All()).Concat(CelLists.All()).Concat(CelTimes.All()).Concat(CelKubernetes.All()).Concat(CelAuthorization.All()).Concat(CelFormats.All()).Concat(CelSemver.All())
            .GroupBy(o => (o.Name, o.Member)).ToFrozenDictionary(g => g.Key, g => (IReadOnlyList<CelOverload>)[.. g]);

    public static IReadOnlyList<CelOverload> Find(string name, bool member) => Table.GetValueOrDefault((name, member), []);
}

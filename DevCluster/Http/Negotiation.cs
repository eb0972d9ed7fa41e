using Microsoft.Extensions.Primitives;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Http;

internal enum View
{
    Object,
    Table,
    PartialMetadata,
    AggregatedDiscovery,
}

/// <summary>What the Accept header asks for, as far as it can be served.</summary>
internal readonly record struct Negotiated(View View, bool Yaml, string Version)
{
    /// <exception cref="ApiException">406 when nothing in the list can be served.</exception>
    public static Negotiated From(StringValues accept, bool discovery = false)
    {
        if (StringValues.IsNullOrEmpty(accept))
            return new Negotiated(View.Object, false, "v1");
        foreach (var range in accept.ToString().Split(','))
        {
            var parts = range.Split(';', StringSplitOptions.TrimEntries);
            var type = parts[0].Trim();
            var parameters = parts.Skip(1).Select(p => p.Split('=', 2)).Where(p => p.Length == 2).GroupBy(p => p[0]).ToDictionary(g => g.Key, g => g.First()[1]);
            if (type is not ("application/json" or "application/yaml" or "*/*" or "application/*"))
                continue;
            var yaml = type == "application/yaml";
            if (!parameters.TryGetValue("as", out var kind))
                return new Negotiated(View.Object, yaml, "v1");
            var version = parameters.GetValueOrDefault("v", "v1");
            switch (kind, parameters.GetValueOrDefault("g"))
            {
                case ("Table", "meta.k8s.io") when !discovery && version is "v1" or "v1beta1":
                    return new Negotiated(View.Table, yaml, version);
                case ("PartialObjectMetadata" or "PartialObjectMetadataList", "meta.k8s.io") when !discovery && version is "v1" or "v1beta1":
                    return new Negotiated(View.PartialMetadata, yaml, version);
                case ("APIGroupDiscoveryList", "apidiscovery.k8s.io") when discovery && version is "v2" or "v2beta1":
                    return new Negotiated(View.AggregatedDiscovery, yaml, version);
            }
        }
        throw new ApiException(406, "NotAcceptable", "only the following media types are accepted: application/json, application/yaml");
    }
}

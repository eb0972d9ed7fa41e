using System.Text;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Kubelet;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Containers;

/// <summary>Makes a container's environment as the pod says, without the image's own.</summary>
internal sealed class ContainerEnvironment(IKubeApi api)
{
    /// <exception cref="ContainerConfigException">A referred object or key is missing and not optional.</exception>
    public async Task<IReadOnlyDictionary<string, string>> BuildAsync(
        Container container, PodFacts facts, IReadOnlyDictionary<string, string> initial, CancellationToken ct)
    {
        var values = new Dictionary<string, string>(initial);
        foreach (var source in container.EnvFrom)
        {
            foreach (var (key, value) in await AllAsync(source, facts.Pod.Namespace, ct)) values[source.Prefix + key] = value;
        }
        foreach (var variable in container.Env)
        {
            if (variable.ValueFrom is not { } from) values[variable.Name] = Variables.Expand(variable.Value, values);
            else if (await OneAsync(from, container, facts, ct) is { } value) values[variable.Name] = value;
        }
        return values;
    }

    private async Task<Dictionary<string, string>> AllAsync(EnvFromSource source, string ns, CancellationToken ct) => source switch
    {
        { ConfigMapRef: { } map } => Texts(await FindAsync(ResourceKey.ConfigMaps, "configmap", ns, map, ct), encoded: false),
        { SecretRef: { } secret } => Texts(await FindAsync(ResourceKey.Secrets, "secret", ns, secret, ct), encoded: true),
        _ => [],
    };

    private async Task<string?> OneAsync(EnvVarSource from, Container container, PodFacts facts, CancellationToken ct)
    {
        var ns = facts.Pod.Namespace;
        switch (from)
        {
            case { FieldRef: { } field }:
                return facts.Field(field.FieldPath) ?? throw new ContainerConfigException($"unsupported fieldPath: {field.FieldPath}");
            case { ResourceFieldRef: { } resource }:
                return facts.Resource(resource, container) ?? throw new ContainerConfigException($"unsupported container resource: {resource.Resource}");
            case { ConfigMapKeyRef: { } key }:
                return Pick(Texts(await FindAsync(ResourceKey.ConfigMaps, "configmap", ns, key, ct), encoded: false), key, "ConfigMap", ns);
            case { SecretKeyRef: { } key }:
                return Pick(Texts(await FindAsync(ResourceKey.Secrets, "secret", ns, key, ct), encoded: true), key, "Secret", ns);
            default:
                return "";
        }
    }

    private static string? Pick(Dictionary<string, string> values, KeySelector key, string kind, string ns) =>
        values.TryGetValue(key.Key, out var value) ? value
        : key.Optional ? null
        : throw new ContainerConfigException($"couldn't find key {key.Key} in {kind} {ns}/{key.Name}");

    private async Task<JsonObject?> FindAsync(ResourceKey resource, string kind, string ns, KeySelector key, CancellationToken ct)
    {
        try
        {
            return await api.GetAsync(resource, ns, key.Name, ct);
        }
        catch (ApiException missing) when (missing.Code == 404)
        {
            return key.Optional ? null : throw new ContainerConfigException($"{kind} \"{key.Name}\" not found");
        }
    }

    private static Dictionary<string, string> Texts(JsonObject? source, bool encoded) =>
        source?["data"] is JsonObject data
            ? data.ToDictionary(entry => entry.Key, entry => Decode(entry.Value?.GetValue<string>() ?? "", encoded))
            : [];

    private static string Decode(string text, bool encoded) => encoded ? Encoding.UTF8.GetString(Convert.FromBase64String(text)) : text;
}

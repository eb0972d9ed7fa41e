using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Resources;

/// <summary>What the ServiceAccount admission plug-in gives to a new pod: a volume with a token, the cluster's CA and the namespace's name.</summary>
internal static class ServiceAccountVolume
{
    private const string MountPath = "/var/run/secrets/kubernetes.io/serviceaccount";

    public static void Add(JsonObject pod, JsonObject spec, StrategyContext context)
    {
        var account = context.State.Table("/serviceaccounts").Find(pod.Namespace(), spec.Str("serviceAccountName") is { Length: > 0 } name ? name : "default")?.Parse();
        if ((spec.Bool("automountServiceAccountToken") ?? account.Bool("automountServiceAccountToken")) == false)
            return;
        var without = new[] { "initContainers", "containers" }.SelectMany(list => spec.Arr(list)?.OfType<JsonObject>() ?? [])
            .Where(container => (container.Arr("volumeMounts") ?? []).All(mount => mount.Str("mountPath") != MountPath)).ToList();
        if (without.Count == 0)
            return;
        // As random as the pod's uid, and the same when the object is prepared twice.
        var volume = "kube-api-access-" + (pod.Str("metadata", "uid") is { Length: >= 5 } uid ? uid[..5] : "token");
        Array(spec, "volumes").Add((JsonNode)Volume(volume));
        foreach (var container in without)
            Array(container, "volumeMounts").Add((JsonNode)new JsonObject { ["name"] = volume, ["readOnly"] = true, ["mountPath"] = MountPath });
    }

    private static JsonArray Array(JsonObject parent, string name)
    {
        if (parent[name] is not JsonArray array)
            parent[name] = array = [];
        return array;
    }

    private static JsonObject Volume(string name) => new()
    {
        ["name"] = name,
        ["projected"] = new JsonObject
        {
            ["defaultMode"] = 420L,
            ["sources"] = new JsonArray(
                new JsonObject { ["serviceAccountToken"] = new JsonObject { ["expirationSeconds"] = 3607L, ["path"] = "token" } },
                new JsonObject
                {
                    ["configMap"] = new JsonObject
                    {
                        ["name"] = "kube-root-ca.crt",
                        ["items"] = new JsonArray(new JsonObject { ["key"] = "ca.crt", ["path"] = "ca.crt" }),
                    },
                },
                new JsonObject
                {
                    ["downwardAPI"] = new JsonObject
                    {
                        ["items"] = new JsonArray(new JsonObject
                        {
                            ["path"] = "namespace",
                            ["fieldRef"] = new JsonObject { ["apiVersion"] = "v1", ["fieldPath"] = "metadata.namespace" },
                        }),
                    },
                }),
        },
    };
}

using System.Text.Json.Nodes;
using Troupe.ControlPlane.Subresources;

namespace Troupe.ControlPlane.Hosting;

/// <summary>What users may do: KubeVirt's cluster roles, of which view, edit and admin are part of Kubernetes' own by aggregation.</summary>
public static class UserRoles
{
    private const string Rbac = "rbac.authorization.k8s.io";
    private const string Core = "kubevirt.io";
    private const string Instancetypes = "instancetype.kubevirt.io";
    private const string Default = "kubevirt.io:default";
    private const string InstancetypeView = "instancetype.kubevirt.io:view";
    private static readonly string[] Read = ["get", "list", "watch"];
    private static readonly string[] Write = ["get", "delete", "create", "update", "patch", "list", "watch"];
    private static readonly string[] All = [.. Write, "deletecollection"];

    private static readonly string[] Looks =
    [
        "virtualmachineinstances/guestosinfo", "virtualmachineinstances/filesystemlist", "virtualmachineinstances/userlist",
        "virtualmachineinstances/sev/fetchcertchain", "virtualmachineinstances/sev/querylaunchmeasurement", "virtualmachines/objectgraph", "virtualmachineinstances/objectgraph",
    ];

    private static readonly string[] Connections =
    [
        "virtualmachineinstances/console", "virtualmachineinstances/vnc", "virtualmachineinstances/portforward", "virtualmachineinstances/usbredir", .. Looks,
    ];

    private static readonly string[] InstanceCommands =
    [
        "virtualmachineinstances/pause", "virtualmachineinstances/unpause", "virtualmachineinstances/addvolume", "virtualmachineinstances/removevolume",
        "virtualmachineinstances/freeze", "virtualmachineinstances/unfreeze", "virtualmachineinstances/softreboot", "virtualmachineinstances/reset",
        "virtualmachineinstances/sev/setupsession", "virtualmachineinstances/sev/injectlaunchsecret", "virtualmachineinstances/evacuate/cancel",
    ];

    private static readonly string[] MachineCommands =
    [
        "virtualmachines/start", "virtualmachines/stop", "virtualmachines/restart", "virtualmachines/addvolume", "virtualmachines/removevolume", "virtualmachines/memorydump",
        "virtualmachines/removememorydump", "virtualmachines/evacuate/cancel",
    ];

    /// <summary>Objects in users' namespaces, by API group.</summary>
    private static readonly (string Group, string[] Resources)[] Kinds =
    [
        ("snapshot.kubevirt.io", ["virtualmachinesnapshots", "virtualmachinesnapshotcontents", "virtualmachinerestores"]),
        ("backup.kubevirt.io", ["virtualmachinebackups", "virtualmachinebackuptrackers"]),
        ("export.kubevirt.io", ["virtualmachineexports"]),
        ("clone.kubevirt.io", ["virtualmachineclones"]),
        (Instancetypes, ["virtualmachineinstancetypes", "virtualmachineclusterinstancetypes", "virtualmachinepreferences", "virtualmachineclusterpreferences"]),
        ("pool.kubevirt.io", ["virtualmachinepools"]),
    ];

    private static readonly string[] Machines = ["virtualmachines", "virtualmachineinstances", "virtualmachineinstancepresets", "virtualmachineinstancereplicasets"];

    /// <summary>Each object with its API path.</summary>
    public static IEnumerable<(string Path, JsonObject Object)> Build() =>
    [
        Role(Default, [Rule(Core, ["kubevirts"], ["get", "list"]), Rule(SubresourceApi.Group, ["version", "guestfs"], ["get", "list"])], bootstrapping: true),
        Binding(Default),
        Role("kubevirt.io:admin",
            [.. Commands(["virtualmachineinstances/vnc/screenshot", .. Connections]), Rule(Core, Machines, All), .. Kinds.Select(k => Rule(k.Group, k.Resources, All)), Plugins(All), .. Migrations()],
            aggregateTo: "admin"),
        Role("kubevirt.io:edit",
            [.. Commands(Connections), Rule(Core, Machines, Write), .. Kinds.Select(k => Rule(k.Group, k.Resources, Write)), Rule(Core, ["kubevirts"], ["get", "list"]), .. Migrations()],
            aggregateTo: "edit"),
        Role("kubevirt.io:view",
            [
                Rule(Core, ["kubevirts"], ["get", "list"]), Rule(SubresourceApi.Group, ["virtualmachines/expand-spec", .. Looks], ["get"]), Rule(SubresourceApi.Group, ["expand-vm-spec"], ["update"]),
                Rule(Core, Machines, Read), .. Kinds.Select(k => Rule(k.Group, k.Resources, Read)), Plugins(Read), .. Migrations(),
            ],
            aggregateTo: "view"),
        Role(InstancetypeView, [Rule(Instancetypes, ["virtualmachineclusterinstancetypes", "virtualmachineclusterpreferences"], Read)]),
        Binding(InstancetypeView),
        Role("kubevirt.io:migrate", [Rule(SubresourceApi.Group, ["virtualmachines/migrate"], ["update"]), Rule(Core, ["virtualmachineinstancemigrations"], All)]),
    ];

    private static IEnumerable<JsonNode> Commands(string[] connections) =>
    [
        Rule(SubresourceApi.Group, connections, ["get"]), Rule(SubresourceApi.Group, InstanceCommands, ["update"]),
        Rule(SubresourceApi.Group, ["virtualmachines/expand-spec", "virtualmachines/portforward"], ["get"]), Rule(SubresourceApi.Group, MachineCommands, ["update"]),
        Rule(SubresourceApi.Group, ["expand-vm-spec"], ["update"]),
    ];

    private static IEnumerable<JsonNode> Migrations() => [Rule(Core, ["virtualmachineinstancemigrations"], Read), Rule("migrations.kubevirt.io", ["migrationpolicies"], Read)];

    private static JsonNode Plugins(string[] verbs) => Rule("plugin.kubevirt.io", ["plugins"], verbs);

    private static JsonNode Rule(string group, string[] resources, string[] verbs) =>
        new JsonObject { ["apiGroups"] = Strings([group]), ["resources"] = Strings(resources), ["verbs"] = Strings(verbs) };

    private static (string Path, JsonObject Object) Role(string name, IEnumerable<JsonNode> rules, string? aggregateTo = null, bool bootstrapping = false)
    {
        var metadata = Metadata(name);
        if (aggregateTo is not null)
            metadata["labels"]![$"{Rbac}/aggregate-to-{aggregateTo}"] = "true";
        if (bootstrapping)
        {
            metadata["labels"]!["kubernetes.io/bootstrapping"] = "rbac-defaults";
            metadata["annotations"] = AutoUpdate();
        }

        return ($"apis/{Rbac}/v1/clusterroles/{name}", new JsonObject
        {
            ["apiVersion"] = $"{Rbac}/v1",
            ["kind"] = "ClusterRole",
            ["metadata"] = metadata,
            ["rules"] = new JsonArray([.. rules]),
        });
    }

    /// <summary>To everybody who is logged in.</summary>
    private static (string Path, JsonObject Object) Binding(string role)
    {
        var metadata = Metadata(role);
        metadata["annotations"] = AutoUpdate();
        return ($"apis/{Rbac}/v1/clusterrolebindings/{role}", new JsonObject
        {
            ["apiVersion"] = $"{Rbac}/v1",
            ["kind"] = "ClusterRoleBinding",
            ["metadata"] = metadata,
            ["roleRef"] = new JsonObject { ["apiGroup"] = Rbac, ["kind"] = "ClusterRole", ["name"] = role },
            ["subjects"] = new JsonArray(new JsonObject { ["kind"] = "Group", ["apiGroup"] = Rbac, ["name"] = "system:authenticated" }),
        });
    }

    private static JsonObject AutoUpdate() => new() { ["rbac.authorization.kubernetes.io/autoupdate"] = "true" };

    private static JsonObject Metadata(string name) => new() { ["name"] = name, ["labels"] = new JsonObject { ["kubevirt.io"] = "" } };

    private static JsonArray Strings(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)v)]);
}

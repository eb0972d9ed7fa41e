using System.Text.Json.Nodes;
using Troupe.ControlPlane.Hosting;
using Xunit;

namespace Troupe.ControlPlane.Tests.Hosting;

public sealed class UserRolesTests
{
    private const string Group = "subresources.kubevirt.io";

    [Theory]
    [InlineData("admin", "virtualmachineinstances/vnc/screenshot", "get", true)]
    [InlineData("edit", "virtualmachineinstances/vnc/screenshot", "get", false)]
    [InlineData("edit", "virtualmachineinstances/console", "get", true)]
    [InlineData("view", "virtualmachineinstances/console", "get", false)]
    [InlineData("view", "virtualmachineinstances/guestosinfo", "get", true)]
    [InlineData("view", "expand-vm-spec", "update", true)]
    [InlineData("edit", "virtualmachines/memorydump", "update", true)]
    [InlineData("edit", "virtualmachines/removememorydump", "update", true)]
    [InlineData("admin", "virtualmachines/migrate", "update", false)]
    [InlineData("migrate", "virtualmachines/migrate", "update", true)]
    [InlineData("admin", "virtualmachineinstances/vsock", "get", false)]
    [InlineData("default", "version", "get", true)]
    public void A_role_lets_do_what_KubeVirts_does(string role, string resource, string verb, bool may) => Assert.Equal(may, May(role, Group, resource, verb));

    [Theory]
    [InlineData("admin", "kubevirt.io", "virtualmachines", "deletecollection", true)]
    [InlineData("edit", "kubevirt.io", "virtualmachines", "deletecollection", false)]
    [InlineData("admin", "kubevirt.io", "virtualmachineinstancemigrations", "create", false)]
    [InlineData("migrate", "kubevirt.io", "virtualmachineinstancemigrations", "create", true)]
    [InlineData("admin", "migrations.kubevirt.io", "migrationpolicies", "update", false)]
    [InlineData("edit", "plugin.kubevirt.io", "plugins", "get", false)]
    [InlineData("default", "kubevirt.io", "kubevirts", "list", true)]
    public void And_to_the_objects_too(string role, string group, string resource, string verb, bool may) => Assert.Equal(may, May(role, group, resource, verb));

    [Theory]
    [InlineData("admin", "admin")]
    [InlineData("edit", "edit")]
    [InlineData("view", "view")]
    [InlineData("migrate", null)]
    [InlineData("default", null)]
    public void Who_administers_edits_or_views_a_namespace_does_so_with_its_machines_but_migrating_is_given_on_its_own(string role, string? aggregated) =>
        Assert.Equal(aggregated, Role(role)["metadata"]!["labels"]!.AsObject().Select(l => l.Key).FirstOrDefault(l => l.Contains("aggregate-to-"))?.Split("aggregate-to-")[1]);

    [Fact]
    public void What_everybody_may_is_kept_up_to_date_by_the_API_server()
    {
        var everybodys = UserRoles.Build().Select(r => r.Object).Where(o => (string?)o["kind"] == "ClusterRoleBinding" || (string?)o["metadata"]!["name"] == "kubevirt.io:default").ToList();
        Assert.Equal(3, everybodys.Count);
        Assert.All(everybodys, o => Assert.Equal("true", (string?)o["metadata"]!["annotations"]!["rbac.authorization.kubernetes.io/autoupdate"]));
    }

    private static bool May(string role, string group, string resource, string verb) => Role(role)["rules"]!.AsArray()
        .Any(r => Has(r!, "apiGroups", group) && Has(r!, "resources", resource) && Has(r!, "verbs", verb));

    private static bool Has(JsonNode rule, string member, string value) => rule[member]!.AsArray().Any(v => (string?)v == value);

    private static JsonObject Role(string name) => UserRoles.Build().Select(r => r.Object).Single(o => (string?)o["kind"] == "ClusterRole" && (string?)o["metadata"]!["name"] == $"kubevirt.io:{name}");
}

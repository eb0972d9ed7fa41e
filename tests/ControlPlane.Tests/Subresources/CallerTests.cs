using Microsoft.AspNetCore.Http;
using Troupe.ControlPlane.Subresources;
using Xunit;

namespace Troupe.ControlPlane.Tests.Subresources;

public sealed class CallerTests
{
    [Fact]
    public void What_else_is_known_of_the_caller_is_passed_on_to_whoever_decides()
    {
        var headers = new HeaderDictionary { ["X-Remote-User"] = "jane", ["x-remote-extra-Acme.com%2fproject"] = new(["one", "two"]), ["X-Remote-Group"] = "dev" };
        var extra = FrontProxy.ExtraOf(headers);
        Assert.Equal(["one", "two"], Assert.Single(extra, e => e.Key == "acme.com/project").Value);
        var review = Authorizer.Review(new Caller("jane", ["dev"]) { Extra = extra }, new Access("update", "ns", "virtualmachines", "start", "vm") { Version = "v1alpha3" });
        Assert.Equal("""{"acme.com/project":["one","two"]}""", review["spec"]!["extra"]!.ToJsonString());
        Assert.Equal("v1alpha3", (string?)review["spec"]!["resourceAttributes"]!["version"]);
    }

    [Theory]
    [InlineData("True", true)]
    [InlineData("1", true)]
    [InlineData("f", false)]
    [InlineData("yes", null)]
    [InlineData(null, null)]
    public void A_yes_or_no_is_read_as_Go_reads_it(string? text, bool? flag) => Assert.Equal(flag, QueryFlag.Parse(text));
}

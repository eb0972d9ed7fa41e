using Troupe.DevCluster.Api;
using Troupe.DevCluster.Machinery;
using Xunit;

namespace Troupe.DevCluster.Tests.Api;

public sealed class SelectorTests
{
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "web", ["tier"] = "front", ["n"] = "5", ["example.com/x"] = "" };

    [Theory]
    [InlineData("app=web", true)]
    [InlineData("app==web,tier=front", true)]
    [InlineData("app!=web", false)]
    [InlineData("other!=web", true)]
    [InlineData("app in (api, web)", true)]
    [InlineData("app notin (api,web)", false)]
    [InlineData("tier,!missing", true)]
    [InlineData("!tier", false)]
    [InlineData("n>4,n<6", true)]
    [InlineData("n>5", false)]
    [InlineData("example.com/x", true)]
    [InlineData("example.com/x=", true)]
    [InlineData("", true)]
    public void A_label_selector_selects_as_kubectl_users_expect(string selector, bool matches) =>
        Assert.Equal(matches, LabelSelector.Parse(selector).Matches(Labels));

    [Theory]
    [InlineData("app in (web")]
    [InlineData("app in web")]
    [InlineData("app=we b")]
    [InlineData(",")]
    [InlineData("n>x")]
    [InlineData("a b in (c)")]
    [InlineData("-x=y")]
    public void A_malformed_label_selector_is_a_bad_request(string selector) =>
        Assert.Equal(400, Assert.Throws<ApiException>(() => LabelSelector.Parse(selector)).Code);

    [Fact]
    public void A_field_selector_only_knows_the_fields_its_resource_declares()
    {
        var selector = FieldSelector.Parse("spec.nodeName=n1,metadata.name!=x", ["spec.nodeName"]);
        Assert.True(selector.Matches(path => path == "spec.nodeName" ? "n1" : "y"));
        Assert.False(selector.Matches(path => path == "spec.nodeName" ? "n1" : "x"));
        Assert.Equal("field label not supported: spec.other", Assert.Throws<ApiException>(() => FieldSelector.Parse("spec.other=1", ["spec.nodeName"])).Message);
    }
}
